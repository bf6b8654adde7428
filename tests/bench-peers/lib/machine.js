import { execFileSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';

/** What a run was measured on, and how it was started. */
export function machine() {
  return {
    date: new Date().toISOString(),
    command: ['node', ...process.argv.slice(1).map(relative)].join(' '),
    commit: commit(),
    cpu: os.cpus()[0].model,
    cpus: os.cpus().length,
    memory_gb: Math.round(os.totalmem() / 2 ** 30),
    system: `${os.type()} ${os.release()} ${os.arch()}`,
    node: process.version,
  };
}

/** Results are committed, so where this checkout is does not belong in them. */
function relative(argument) {
  return path.isAbsolute(argument) ? path.relative('', argument) : argument;
}

function commit() {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty', '--abbrev=12'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
