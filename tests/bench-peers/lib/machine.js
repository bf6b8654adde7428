import { execFileSync } from 'node:child_process';
import os from 'node:os';

/** What a run was measured on, and how it was started. */
export function machine() {
  return {
    date: new Date().toISOString(),
    command: ['node', ...process.argv.slice(1).map((argument) => argument.replace(`${process.cwd()}/`, ''))].join(' '),
    commit: commit(),
    cpu: os.cpus()[0].model,
    cpus: os.cpus().length,
    memory_gb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
