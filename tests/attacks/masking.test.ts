import { expect, test } from 'vitest';
import { attacked, madeUp, repeat, report } from './kit/attacker.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';

test('a public key hides no failing feature: false successes delay no rollback', { timeout: 60_000 }, async () => {
  const { server, service, stranger } = await attacked(document);
  const [false1000, failing] = [
    { treatment: [1000, 0, 0, 0], control: [1000, 0, 0, 0] },
    { treatment: [10, 5, 0, 0], control: [10, 0, 0, 0] },
  ] as const;
  const page = stranger();
  repeat(400, 125, () => page.post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: false1000 }] }));
  const [instance, began] = [madeUp(), performance.now()];
  repeat(50, 1000, (round) =>
    service.post({ instance, sequence: BigInt(round + 1), flags: [{ key: 'shiny', evidence: failing }] }),
  );
  await expect.poll(async () => (await server.trip('shiny'))?.trip, { timeout: 40_000, interval: 100 }).toBe('off');
  report(server, `half of the calls fail: rolled back after ${((performance.now() - began) / 1000).toFixed(1)} s`);
});
