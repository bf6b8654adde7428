import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { run as runTypeScript } from '../../kit/process.ts';
import { agentFile } from './agent.ts';
import { HOST } from './which.ts';

export { ended } from '../../kit/process.ts';

/** What a process of its own does; the agent in Rust has the same by name. */
const SCRIPTS = {
  /** Decides for a hundred users, and sends that. */
  counts: `
    const features = await createFeatures(options);
    for (let user = 0; user < 100; user++) features.isEnabled('old', 'user' + user);
    await features.metrics.flush();
  `,
  /** Sends what a process before has left. */
  sends: `
    const features = await createFeatures(options);
    await features.metrics.flush();
    await features.close();
  `,
  /** Asks the source sixty times. */
  syncs: `
    const features = await createFeatures(options);
    for (let time = 0; time < 60; time++) await features.remote.sync();
    await features.close();
  `,
};

/** Runs a script by the machine's clock, in a process that ends with the test. */
export async function run(script: keyof typeof SCRIPTS, options: object): Promise<ChildProcess> {
  if (HOST === 'typescript') return runTypeScript(SCRIPTS[script], options);
  const child = spawn(agentFile(), [script, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
