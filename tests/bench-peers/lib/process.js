import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

const TIMEOUT_MS = 300_000;

/** Runs a measurement, and answers its rows; in each the share of all CPUs that others used meanwhile. */
export async function run(command, argv, folder) {
  const env = { ...process.env, NODE_ENV: 'production', RUST_LOG: 'off' };
  const before = cpu();
  const child = spawn(command, argv, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
  let own = 0;
  const poll = setInterval(() => {
    own = usedBy(child.pid) ?? own;
  }, 100);
  const [output, errors] = [[], []];
  child.stdout.on('data', (data) => output.push(data));
  child.stderr.on('data', (data) => errors.push(data));
  const end = await new Promise((resolve) => {
    child.on('error', ({ message }) => resolve(message));
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `ended with ${code ?? signal}`));
  });
  clearInterval(poll);
  const others = Math.max(0, shareBetween(before, cpu(), own));
  const lines = Buffer.concat(output).toString().split('\n');
  const rows = lines.filter((line) => line.startsWith('@@')).map((line) => JSON.parse(line.slice(2)));
  return {
    rows: rows.map((row) => ({ ...row, other_cpu: Number(others.toFixed(2)) })),
    error: end && `${end} ${Buffer.concat(errors).toString().trim().slice(-600)}`,
  };
}

/** Waits until others use less than a share of the CPUs, but not for ever. */
export async function waitForQuiet(share, seconds) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const before = cpu();
    await new Promise((resolve) => setTimeout(resolve, 400));
    if (shareBetween(before, cpu(), 0) < share) return;
  }
}

const shareBetween = (before, after, own) => (after.busy - before.busy - own) / Math.max(1, after.total - before.total);

/** Ticks of all CPUs since the machine started. */
function cpu() {
  const ticks = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, tick) => sum + tick, 0);
  return { total, busy: total - ticks[3] - ticks[4] };
}

/** Ticks that a process has used; `undefined` once it has gone. */
function usedBy(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    return Number(fields[11]) + Number(fields[12]);
  } catch {
    return undefined;
  }
}
