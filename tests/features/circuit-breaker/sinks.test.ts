import { functionSink } from '@flcm/features';
import { expect, test } from 'vitest';
import { local, traffic } from '../../kit/local.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.9 } }
`;

test('a function takes what was counted by flag', async () => {
  const seen: unknown[] = [];
  const sink = functionSink((batch) => {
    for (const [flag, { decisions, total, errors }] of batch.flags()) seen.push([flag, decisions, total, errors]);
    seen.push(batch.custom().metrics);
  });
  const world = await local({ document: DOCUMENT, sinks: [sink] });
  traffic(world, 'risky', { users: 10, failing: 2 });
  world.features.metrics.add('baskets', 3);
  await world.features.metrics.flush();
  expect(seen).toEqual([['risky', 10, 10, 2], [{ name: 'baskets', amount: 3 }]]);
});
