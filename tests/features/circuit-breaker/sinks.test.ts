import { functionSink, openTelemetrySink } from '@flcm/features';
import * as api from '@opentelemetry/api';
import { expect, test } from 'vitest';
import { local, traffic } from '../kit/local.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.9 } }
  colour: { variants: [{ name: red, weight: 1 }] }
`;

/** As much of OpenTelemetry as is used. */
class Meters {
  readonly counted: Map<string, number> = new Map<string, number>();
  readonly metrics = {
    getMeter: (meter: string) => ({
      createCounter: (name: string, { unit }: { unit: string }) => ({
        add: (value: number, attributes: Record<string, string>) => {
          const { 'feature_flag.version': _, ...rest } = attributes;
          const key = [meter, name, unit, JSON.stringify(rest)].join(' ');
          this.counted.set(key, (this.counted.get(key) ?? 0) + value);
        },
      }),
    }),
  };
}

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

test('OpenTelemetry is told evaluations and outcomes, each once', async () => {
  const meters = new Meters();
  const world = await local({ document: DOCUMENT, sinks: [openTelemetrySink(meters)] });
  for (const from of [0, 10]) {
    traffic(world, 'risky', { users: 10, failing: 2, from });
    world.features.isEnabled('colour', 'alice');
    await world.features.metrics.flush();
  }
  const of = (key: string, more: object) => {
    const attributes = { 'feature_flag.key': key, 'feature_flag.provider.name': 'flcm-flags', ...more };
    return JSON.stringify(attributes);
  };
  const evaluations = '@flcm/features feature_flag.evaluations {evaluation}';
  const outcomes = '@flcm/features feature_flag.outcomes {call}';
  const matched = { 'feature_flag.result.reason': 'targeting_match' };
  expect(Object.fromEntries(meters.counted)).toEqual({
    [`${evaluations} ${of('risky', matched)}`]: 20,
    [`${evaluations} ${of('colour', { ...matched, 'feature_flag.result.variant': 'red' })}`]: 2,
    [`${outcomes} ${of('risky', { 'flcm.arm': 'treatment', 'flcm.outcome': 'success' })}`]: 16,
    [`${outcomes} ${of('risky', { 'flcm.arm': 'treatment', 'flcm.outcome': 'error' })}`]: 4,
  });
});

test('the package of OpenTelemetry, which does nothing by itself, is one', async () => {
  const world = await local({ document: DOCUMENT, sinks: [openTelemetrySink(api)] });
  const flushed: number[] = [];
  world.features.on('flush', ({ sequence }) => flushed.push(sequence));
  traffic(world, 'risky', { users: 10, failing: 2 });
  await world.features.metrics.flush();
  expect(flushed).toEqual([1]);
  expect(world.errors).toEqual([]);
});
