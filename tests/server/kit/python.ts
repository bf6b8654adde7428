import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROOT } from './serve.ts';

/**
 * The Python of an environment below `target` that has the packages of a file of requirements. The name of the
 * environment should change with the requirements.
 */
export function python(name: string, requirements: string): string {
  const folder = resolve(ROOT, 'target/python', name);
  const program = join(folder, 'bin/python');
  const installed = join(folder, 'installed');
  if (existsSync(installed)) return program;
  try {
    execFileSync('python3', ['-m', 'venv', '--clear', folder], { stdio: 'inherit' });
    execFileSync(program, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements], {
      stdio: 'inherit',
    });
  } catch (error) {
    throw new Error('the tests need Python 3 with venv and pip (Debian: `apt-get install python3-venv`)', {
      cause: error,
    });
  }
  execFileSync('touch', [installed]);
  return program;
}
