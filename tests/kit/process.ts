import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

let built: Promise<string> | undefined;

/** The runtime as its package is built, for processes of Node alone; of the sources as they are now. */
function bundled(): Promise<string> {
  built ??= (async () => {
    // Where modules of the repository are found.
    const folder = join(ROOT, 'node_modules/.cache/flcm-features', `${process.pid}`);
    mkdirSync(folder, { recursive: true });
    const outfile = join(folder, 'node.mjs');
    const entry = join(ROOT, '.flcm-core/features/index.ts');
    const external = ['@flcm/*'];
    await build({ entryPoints: [entry], outfile, bundle: true, format: 'esm', platform: 'node', external });
    return pathToFileURL(outfile).href;
  })();
  return built;
}

/** Runs a script with `createFeatures` and its `options` in a process of its own; ends with the test. */
export async function run(script: string, options: object): Promise<ChildProcess> {
  const text = `
    import { createFeatures } from ${JSON.stringify(await bundled())};
    const options = ${JSON.stringify(options)};
    ${script}
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Waits for the end of a process. */
export async function ended(child: ChildProcess): Promise<number | NodeJS.Signals> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.signalCode ?? child.exitCode ?? -1;
}
