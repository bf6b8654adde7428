import type { FlagSummary } from '../types.ts';
import type { Batch, Sink } from './sinks.ts';

/** Distinguishes the series of a counter. */
type Labels = Readonly<Record<string, string>>;

/** The part of `@opentelemetry/api` that is used: `import * as api from '@opentelemetry/api'` is one. */
export interface OpenTelemetry {
  readonly metrics: {
    getMeter(name: string): {
      createCounter(
        name: string,
        options: { description: string; unit: string },
      ): { add(value: number, attributes: Record<string, string>): void };
    };
  };
}

/**
 * Adds evaluations, outcomes and counters of the application's own to counters of OpenTelemetry, at each flush.
 * Evaluations are `feature_flag.evaluation`, with the attributes that the semantic conventions have for the event of
 * that name.
 *
 * @param attributes Further attributes of a batch's flags, such as `feature_flag.set.id`, or the digest of the snapshot as
 * `feature_flag.version`. OpenTelemetry keeps every combination of attributes for as long as the process lives.
 */
export function openTelemetrySink(
  api: OpenTelemetry,
  attributes: (batch: Batch) => Readonly<Record<string, string>> = () => ({}),
): Sink {
  const meter = api.metrics.getMeter('@flcm/features');
  const counter = (name: string, unit: string, description: string) => meter.createCounter(name, { description, unit });
  const evaluations = counter('feature_flag.evaluation', '{evaluation}', 'How often flags were evaluated');
  const outcomes = counter(
    'flcm.outcomes',
    '{outcome}',
    'How calls went that flags had decided; slow ones are ok or error as well',
  );
  const custom = counter('flcm.custom', '{count}', 'Counters that the application has named');
  return {
    async send(batch) {
      // Before anything is added: what fails here comes again whole.
      const [flags, { metrics }, more] = [batch.flags(), batch.custom(), attributes(batch)];
      for (const [key, summary] of flags) {
        const flag = { ...more, 'feature_flag.key': key, 'feature_flag.provider.name': 'flcm-flags' };
        for (const { count, ...decided } of summary.tallies) evaluations.add(count, { ...flag, ...resultOf(decided) });
        for (const [arm, outcome, count] of outcomesOf(summary)) {
          if (count > 0) outcomes.add(count, { ...flag, 'flcm.arm': arm, 'flcm.outcome': outcome });
        }
      }
      for (const { name, amount } of metrics) {
        if (amount !== undefined) custom.add(amount, { ...more, 'flcm.custom.name': name });
      }
    },
  };
}

function resultOf({ reason, variant }: { reason: string; variant?: string }): Labels {
  return {
    'feature_flag.result.reason': reason.toLowerCase(),
    ...(variant !== undefined && { 'feature_flag.result.variant': variant }),
    // Tallies know no code: this is OpenFeature's for an error of any kind.
    ...(reason === 'ERROR' && { 'error.type': 'general' }),
  };
}

/** How many outcomes of each arm went which way. */
function outcomesOf(summary: FlagSummary): [arm: string, outcome: string, count: number][] {
  const { total, errors, missing, slow, controlTotal, controlErrors, controlMissing, controlSlow } = summary;
  const { outsideTotal, outsideErrors, outsideMissing, outsideSlow } = summary;
  return [
    ['treatment', 'ok', total - errors - missing],
    ['treatment', 'error', errors],
    ['treatment', 'missing', missing],
    ['treatment', 'slow', slow],
    ['control', 'ok', controlTotal - controlErrors - controlMissing],
    ['control', 'error', controlErrors],
    ['control', 'missing', controlMissing],
    ['control', 'slow', controlSlow],
    ['outside', 'ok', outsideTotal - outsideErrors - outsideMissing],
    ['outside', 'error', outsideErrors],
    ['outside', 'missing', outsideMissing],
    ['outside', 'slow', outsideSlow],
  ];
}
