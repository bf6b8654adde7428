import { expect, test } from 'vitest';
import { attacked, madeUp, report } from './kit/attacker.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 } } }';

test('a public key neither takes the names of metrics nor makes a million users up', async () => {
  const { server, operator, service, stranger } = await attacked(document);
  const counters = Array.from({ length: 300 }, (_, name) => [`forged_${String(name).padStart(3, '0')}`, 1] as const);
  const page = stranger();
  await page.post({ instance: madeUp(), counters });
  // Each register at its highest, after three decisions.
  const users = Array.from({ length: 2048 }, () => [0, 53] as const);
  await page.post({ instance: madeUp(), flags: [{ key: 'shiny', tallies: [['', 6, 3]], users }] });

  const answer = await service.post({ instance: madeUp(), counters: [['checkouts', 7]] });
  expect(answer.status).toBe(204);
  const figures = await server.figures();
  expect(figures.of('flcm_custom_total{name="checkouts"}')).toBe(7);
  expect(figures.of('flcm_custom_total{name="forged_000"}')).toBe(0);
  const estimated = figures.of('flcm_users{flag="shiny"}');
  expect(estimated).toBeLessThan(100);
  report(server, `300 forged names: none is there; users by 3 decisions: ${estimated}`);

  // A name of a service that was a mistake can be taken away.
  expect((await operator.ask('DELETE', '/metrics/checkouts')).status).toBeLessThan(300);
  expect((await server.figures()).of('flcm_custom_total{name="checkouts"}')).toBe(0);
});
