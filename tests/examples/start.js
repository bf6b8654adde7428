// Starts an example, as its reader does.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/**
 * Starts a server of `examples` on a free port, and waits until it says where it is.
 *
 * @param {string} script below `examples`
 * @param {...string} args
 * @returns {Promise<{ url: string, output(): string, errors(): string, stop(): Promise<void> }>} `output` and `errors` are
 *   what it has printed so far
 */
export async function start(script, ...args) {
  const file = fileURLToPath(new URL(`../../examples/${script}`, import.meta.url));
  const child = spawn(process.execPath, [file, ...args], { env: { ...process.env, PORT: '0' } });
  const [output, errors] = [child.stdout, child.stderr].map((stream) => {
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    return () => text;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const stop = () => {
    child.kill();
    return ended;
  };
  const url = await new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const [origin] = /^http:\/\/127\.0\.0\.1:\d+(?=\/)/m.exec(output()) ?? [];
      if (origin) resolve(origin);
    });
    ended.then((code) => reject(new Error(`${script} ended with ${code}: ${errors()}`)));
  });
  return { url, output, errors, stop };
}

/** Asks again and again, at most a minute long, until the answer is the one that was waited for. */
export async function until(ask, answers) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const answer = await ask();
    if (answers(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer)} after a minute`);
  }
}
