import { expect, test } from 'vitest';
import { attacked, madeUp, report } from './kit/attacker.ts';

const failing = { treatment: [1000, 1000, 0, 0], control: [1000, 0, 0, 0] } as const;
const flag = (threshold: string) =>
  `flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { ${threshold} } } }`;

test('a public key causes no rollback', async () => {
  const { server, stranger } = await attacked(flag('rate: 0.05'));
  const page = stranger();
  for (let host = 0; host < 50; host++) {
    const { status } = await page.post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: failing }] });
    expect(status).toBe(204);
  }
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const trip = await server.trip('shiny');
  report(server, `50 hosts that somebody made up report 1,000 failures each: ${trip?.trip}`);
  expect(trip).toMatchObject({ trip: 'clear', state: 'closed' });
});

test('where pages are evidence, no single network causes one', { timeout: 60_000 }, async () => {
  const { server, stranger } = await attacked(flag('rate: 0.05, evidence: [servers, pages]'));
  for (let round = 0; round < 3; round++) {
    for (let host = 1; host <= 60; host++) {
      await stranger(`127.0.0.${host}`).post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: failing }] });
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  const trip = await server.trip('shiny');
  report(server, `180 hosts of one network report 1,000 failures each: ${trip?.trip}`);
  expect(trip).toMatchObject({ trip: 'clear' });
});

test('where pages are evidence, failures on many networks roll back, and it recovers by itself', {
  timeout: 60_000,
}, async () => {
  const { server, stranger } = await attacked(flag('rate: 0.05, evidence: [servers, pages], cooldown: 5'));
  const pages = Array.from({ length: 60 }, (_, network) => ({
    page: stranger(`127.0.${network}.1`),
    instance: madeUp(),
  }));
  const trip = async () => (await server.trip('shiny'))?.trip;
  for (let round = 0; round < 10 && (await trip()) === 'clear'; round++) {
    for (const { page } of pages) {
      await page.post({ instance: madeUp(), flags: [{ key: 'shiny', evidence: failing }] });
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  expect(await trip()).toBe('off');
  expect((await server.trip('shiny'))?.last).toMatchObject({ cause: 'pages' });
  await expect.poll(trip, { timeout: 30_000 }).toMatch(/probing|clear/);
});
