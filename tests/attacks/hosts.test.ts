import { expect, test } from 'vitest';
import { attacked, madeUp, report } from './kit/attacker.ts';
import { copies } from './kit/batch.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';
const MADE_UP = 60_000;

/** As many hosts of pages as the server remembers of one network. */
const OF_ONE_NETWORK = 50_000;

test('hosts that somebody makes up take no place from hosts of services', async () => {
  const { server, service, stranger } = await attacked(document);
  const page = stranger();
  const batches = copies({}, Array.from({ length: MADE_UP }, madeUp));
  const began = performance.now();
  for (let at = 0; at < batches.length; at += 32) {
    await Promise.all(batches.slice(at, at + 32).map((batch) => page.postBytes(batch)));
  }
  const seconds = (performance.now() - began) / 1000;
  const ledgers = (await server.figures()).of('flcm_ledgers');
  report(server, `${MADE_UP} hosts made up in ${seconds.toFixed(1)} s, of which the server remembers ${ledgers}`);
  // One network has a part of the room that pages have, and services have their own.
  expect(ledgers).toBeLessThanOrEqual(OF_ONE_NETWORK);
  const failing = { treatment: [1000, 1000, 0, 0], control: [1000, 0, 0, 0] } as const;
  const { status } = await service.post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: failing }] });
  expect(status).toBe(204);
  await expect.poll(async () => (await server.trip('shiny'))?.trip, { timeout: 10_000 }).toBe('off');
});
