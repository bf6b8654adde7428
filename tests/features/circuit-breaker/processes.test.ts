import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ended, run } from '../../kit/process.ts';
import { FlagServer, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';

const DOCUMENT = 'flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';

/** Fails for everyone until it is rolled back, and is never closed. */
const FAILS = `
  const features = await createFeatures(options);
  features.on('rollback', ({ text }) => console.log(text));
  let user = 0;
  setInterval(() => {
    for (let call = 0; call < 50; call++) {
      features.for({ targetingKey: 'user-' + user++ }).run('risky', () => { throw new Error('broken'); }, () => {});
    }
  }, 20);
`;

const SAYS = `
  const features = await createFeatures(options);
  const on = Array.from({ length: 100 }, (_, user) => features.isEnabled('risky', 'user-' + user)).filter((on) => on);
  console.log(features.breaker.state('risky'), on.length);
  await features.close();
`;

/** Says once that the flag is off for everyone, after it was on for some. */
const WATCHES = `
  const features = await createFeatures(options);
  const isOff = () => Array.from({ length: 100 }, (_, user) => features.isEnabled('risky', 'user-' + user)).every((on) => !on);
  console.log(isOff() ? 'off' : 'on');
  features.on('fleet', () => isOff() && console.log('off'));
  setInterval(() => {}, 1000);
`;

/** What a process has said so far. */
function said(child: ChildProcess): () => string {
  let text = '';
  child.stdout?.on('data', (part) => {
    text += part;
  });
  return () => text;
}

test('a process that was killed while a breaker was open goes on with it', async () => {
  const options = { document: DOCUMENT, cache: folder() };
  const child = await run(FAILS, options);
  const text = said(child);
  await until(() => text().includes('rolled back'), 'a rollback');
  await until(() => existsSync(join(options.cache, 'breakers')), 'its file');
  child.kill('SIGKILL');
  await ended(child);
  const next = await run(SAYS, options);
  const state = said(next);
  expect(await ended(next)).toBe(0);
  await until(() => state().includes('\n'), 'an answer');
  expect(state()).toBe('open 0\n');
});

test('what fails in one process is off in another as well', async () => {
  const server = await FlagServer.start(DOCUMENT);
  const watching = await run(WATCHES, { url: server.url, instance: 2 });
  const text = said(watching);
  await until(() => text() === 'on\n' && server.streams.size === 1, 'a host that watches');
  // The stand-in counts what arrives, and holds the flag back when enough of it has failed.
  const failing = await run(FAILS, { url: server.url, instance: 1 });
  const start = performance.now();
  await until(() => (server.totals?.metrics.summary(0)?.errors ?? 0) > 20, 'failures');
  server.trip({ risky: { trip: 'off', generation: 2 } });
  await until(() => text().endsWith('off\n'), 'the rollback');
  console.log(
    `from the start of a failing process to the rollback in another: ${Math.round(performance.now() - start)} ms`,
  );
  for (const child of [failing, watching]) child.kill('SIGKILL');
  await server.kill();
});
