import { fileURLToPath } from 'node:url';
import { type Batch, type FlagSummary, functionSink, type OpenTelemetry, openTelemetrySink } from '@flcm/features';
import { TelemetryAttribute as Name } from '@openfeature/core';
import * as api from '@opentelemetry/api';
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { build } from 'esbuild';
import { expect, onTestFinished, test } from 'vitest';
import { codes, local, traffic } from '../../kit/local.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.9 } }
  colour: { variants: [{ name: red, weight: 1 }] }
`;

const RISKY = { [Name.KEY]: 'risky', [Name.PROVIDER]: 'flcm-flags' };
const COLOUR = { [Name.KEY]: 'colour', [Name.PROVIDER]: 'flcm-flags' };

/** OpenTelemetry with its own SDK, and what that has exported: sums by attributes, by counter. */
class Telemetry implements OpenTelemetry {
  readonly #exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly #reader = new PeriodicExportingMetricReader({ exporter: this.#exporter, exportIntervalMillis: 3_600_000 });
  readonly metrics: MeterProvider = new MeterProvider({ readers: [this.#reader] });

  constructor() {
    onTestFinished(() => this.metrics.shutdown());
  }

  async exported(): Promise<Record<string, [attributes: object, sum: unknown][]>> {
    await this.metrics.forceFlush();
    const { scopeMetrics = [] } = this.#exporter.getMetrics().at(-1) ?? {};
    const metrics = scopeMetrics.flatMap(({ scope, metrics }) => {
      expect(scope.name).toBe('@flcm/features');
      return metrics;
    });
    for (const metric of metrics) expect(metric).toMatchObject({ dataPointType: DataPointType.SUM, isMonotonic: true });
    return Object.fromEntries(
      metrics.map(({ descriptor: { name, unit }, dataPoints }) => [
        `${name} ${unit}`,
        dataPoints.map(({ attributes, value }) => [attributes, value]),
      ]),
    );
  }
}

test('evaluations, outcomes and counters are summed exactly, over flushes and what is sent again', async () => {
  const telemetry = new Telemetry();
  let refusals = 2;
  const flaky = functionSink(() => {
    if (refusals-- > 0) throw new Error('not now');
  });
  const world = await local({ document: DOCUMENT, sinks: [flaky, openTelemetrySink(telemetry)] });
  for (const from of [0, 10, 20]) {
    traffic(world, 'risky', { users: 10, failing: 2, from });
    world.features.isEnabled('colour', 'alice');
    world.features.metrics.add('baskets', 3);
    await world.features.metrics.flush();
  }
  expect(codes(world.errors)).toEqual(['SINK_FAILED', 'SINK_FAILED']);
  await world.features.metrics.flush();

  const reason = { [Name.REASON]: 'targeting_match' };
  expect(await telemetry.exported()).toEqual({
    'feature_flag.evaluation {evaluation}': [
      [{ ...COLOUR, ...reason, [Name.VARIANT]: 'red' }, 3],
      [{ ...RISKY, ...reason }, 30],
    ],
    'flcm.outcomes {outcome}': [
      [{ ...RISKY, 'flcm.arm': 'treatment', 'flcm.outcome': 'ok' }, 24],
      [{ ...RISKY, 'flcm.arm': 'treatment', 'flcm.outcome': 'error' }, 6],
    ],
    'flcm.custom {count}': [[{ 'flcm.custom.name': 'baskets' }, 9]],
  });
});

test('an application may say more of a batch; where it fails, nothing was added', async () => {
  const telemetry = new Telemetry();
  let calls = 0;
  const more = ({ snapshot }: Batch) => {
    if (calls++ === 0) throw new Error('not yet');
    return { [Name.VERSION]: snapshot, [Name.FLAG_SET_ID]: 'shop' };
  };
  const world = await local({ document: DOCUMENT, sinks: [openTelemetrySink(telemetry, more)] });
  world.features.isEnabled('colour', 'alice');
  await world.features.metrics.flush();
  await world.features.metrics.flush();
  const said = { [Name.VERSION]: expect.stringMatching(/^[0-9a-f]{16}$/), [Name.FLAG_SET_ID]: 'shop' };
  const evaluated = { ...COLOUR, ...said, [Name.REASON]: 'targeting_match', [Name.VARIANT]: 'red' };
  expect(await telemetry.exported()).toEqual({ 'feature_flag.evaluation {evaluation}': [[evaluated, 1]] });
});

test('outcomes are told apart by arm, and an error has a type', async () => {
  const telemetry = new Telemetry();
  const summary: Partial<FlagSummary> = {
    ...{ total: 100, errors: 20, missing: 3, slow: 40 },
    ...{ controlTotal: 1000, controlErrors: 200, controlMissing: 30, controlSlow: 400 },
    ...{ outsideTotal: 10, outsideErrors: 2, outsideMissing: 3, outsideSlow: 4 },
    tallies: [{ reason: 'ERROR', count: 2 }],
  };
  const batch = { flags: () => new Map([['risky', summary]]), custom: () => ({ metrics: [] }) };
  await openTelemetrySink(telemetry).send(batch as unknown as Batch, new AbortController().signal);
  const outcomes = ([arm, ...counts]: [string, number, number, number, number]) =>
    ['ok', 'error', 'missing', 'slow'].map((outcome, index) => [
      { ...RISKY, 'flcm.arm': arm, 'flcm.outcome': outcome },
      counts[index],
    ]);
  expect(await telemetry.exported()).toEqual({
    'feature_flag.evaluation {evaluation}': [[{ ...RISKY, [Name.REASON]: 'error', [Name.ERROR_CODE]: 'general' }, 2]],
    'flcm.outcomes {outcome}': [
      ...outcomes(['treatment', 77, 20, 3, 40]),
      ...outcomes(['control', 770, 200, 30, 400]),
      ...outcomes(['outside', 5, 2, 3, 4]),
    ],
  });
});

test('nothing is added where flags are decided', async () => {
  let added = 0;
  const counter = { add: () => added++ };
  const byHand = { metrics: { getMeter: () => ({ createCounter: () => counter }) } };
  const world = await local({ document: DOCUMENT, sinks: [openTelemetrySink(byHand)] });
  traffic(world, 'risky', { users: 100 });
  expect(added).toBe(0);
  await world.features.metrics.flush();
  expect(added).toBe(2);
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

test('an application that does not use it carries none of it, and none needs the package', async () => {
  const index = fileURLToPath(new URL('../../../.flcm-core/features/index.ts', import.meta.url));
  const bundled = async (names: string) => {
    const { metafile, outputFiles } = await build({
      stdin: {
        contents: `export { ${names} } from ${JSON.stringify(index)}`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      external: ['@flcm/flags-*', '@opentelemetry/*'],
      metafile: true,
      outfile: 'out.js',
      write: false,
    });
    const imports = Object.values(metafile.inputs).flatMap(({ imports }) => imports.map(({ path }) => path));
    expect(imports.filter((path) => path.includes('opentelemetry'))).toEqual([]);
    return outputFiles[0]?.text ?? '';
  };
  expect(await bundled('createFeatures, openTelemetrySink')).toContain('feature_flag.');
  expect(await bundled('createFeatures')).not.toMatch(/feature_flag\.|openTelemetry/);
});
