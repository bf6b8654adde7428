import { expect, test } from 'vitest';
import { attacked, type Caller, madeUp, peakMemory, report } from './kit/attacker.ts';

const document = 'flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';
const type = { 'content-type': 'application/vnd.flcm.counts+json' };

/** What the engine answers for the treatment without a variant. */
const TREATMENT = 0x0f05ffff;

type Row = readonly (number | string | boolean | null)[];

function post(page: Caller, rows: readonly Row[], user: string | null = null): Promise<{ status: number }> {
  const head = `"instance":${madeUp()},"epoch":1,"sequence":1,"snapshot":"0123456789abcdef","user":${JSON.stringify(user)}`;
  return page.ask('POST', '/metrics', `{${head},"rows":${JSON.stringify(rows)}}`, type);
}

test('a public key rolls nothing back and makes no users up by counts as JSON', async () => {
  const { server, operator, stranger } = await attacked(document);
  const page = stranger();
  const failing: Row = [4294967295, 'shiny', TREATMENT, 1, true, 1e300];
  for (let sent = 0; sent < 200; sent++) {
    expect((await post(page, [[1, 'shiny', TREATMENT], failing, failing], 'f'.repeat(16))).status).toBe(204);
  }
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const { flags } = JSON.parse((await operator.ask('GET', '/trips')).body);
  expect(flags.shiny).toMatchObject({ trip: 'clear', treatment: { total: 0 } });
  const figures = await server.figures();
  expect(figures.of('flcm_users{flag="shiny"}')).toBe(1);
  // No call takes that long.
  expect(figures.of('flcm_duration_seconds_count{flag="shiny"}')).toBe(0);
  report(server, '200 × 8.6 billion forged failures as JSON: nothing is rolled back');
});

test('counts as JSON that are made to be expensive leave a server answering, and its memory small', async () => {
  const { server, service, stranger } = await attacked(document);
  const page = stranger();
  const wide = Array.from({ length: 1000 }, (_, row): Row => [1, `${row}`, TREATMENT, 1, true, row]);
  const deep = `{"instance":1,"epoch":1,"sequence":1,"snapshot":"0123456789abcdef","rows":${'['.repeat(60_000)}`;
  const before = peakMemory(server);
  for (let round = 0; round < 10; round++) {
    const sent = Array.from({ length: 30 }, (_, at) =>
      at % 3 ? post(page, wide, 'f'.repeat(16)) : page.ask('POST', '/metrics', deep, type),
    );
    const statuses = new Set((await Promise.all(sent)).map(({ status }) => status));
    expect([...statuses].every((status) => [204, 400, 413, 429, 503].includes(status))).toBe(true);
    expect((await service.ask('GET', '/healthz')).status).toBe(200);
  }
  const grown = peakMemory(server) - before;
  // 64 turns of a network, of at most 64 KB each, twice, and what checking one takes.
  expect(grown).toBeLessThan(64);
  report(server, `300 expensive bodies: ${grown.toFixed(0)} MB more`);
});
