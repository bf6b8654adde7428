import { expect, test } from 'vitest';
import { attacked, madeUp, repeat, report } from './kit/attacker.ts';

// The breaker probes after 5 seconds, with a share of the users.
const document =
  'flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, cooldown: 5, recovery: auto } } }';

test('a public key ends no probe: false successes switch nothing on again', { timeout: 60_000 }, async () => {
  const { server, service, stranger } = await attacked(document);
  await service.post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: { treatment: [200, 200, 0, 0] } }] });
  const state = async () => (await server.trip('shiny'))?.state;
  await expect.poll(state, { timeout: 10_000 }).toBe('open');
  await expect.poll(state, { timeout: 20_000, interval: 100 }).toBe('half_open');
  const page = stranger();
  let sent = 0;
  const end = repeat(40, 100, async () => {
    const generation = (await server.trip('shiny'))?.generation ?? 0;
    const evidence = { treatment: [1000, 0, 0, 0] } as const;
    const { status } = await page.post({ instance: madeUp(), flags: [{ key: 'shiny', generation, evidence }] });
    if (status === 204) sent++;
  });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  await end();
  expect(sent).toBeGreaterThan(5);
  const after = await state();
  report(server, `${sent} batches of false successes during a probe: ${after}`);
  expect(after).not.toBe('closed');
});
