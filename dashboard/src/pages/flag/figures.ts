/** Sums and shares over a series, for sentences and tables. What they mean was decided by the server's breaker. */

import type { ArmSeries, Series } from '../../data/api.ts';

export interface Sums {
  readonly total: number;
  readonly failed: number;
  readonly slow: number;
  readonly missing: number;
}

const sum = (values: readonly number[], from: number): number =>
  values.slice(from).reduce((all, value) => all + value, 0);

/** The first point of the last `seconds`, and not before `since`. Steps in which nothing was counted have no point. */
export function tail(series: Series, seconds: number, since = 0): number {
  const last = series.at.at(-1) ?? 0;
  const begin = Math.max(since, last - (seconds - series.step) * 1000);
  const found = series.at.findIndex((at) => at >= begin);
  return found < 0 ? series.at.length : found;
}

/** How many seconds the points from one on are about. */
function length(series: Series, from: number): number {
  const [first, last] = [series.at[from], series.at.at(-1)];
  return first === undefined || last === undefined ? 0 : (last - first) / 1000 + series.step;
}

export function sums(arm: ArmSeries, from: number): Sums {
  return {
    total: sum(arm.total, from),
    failed: sum(arm.failed, from),
    slow: sum(arm.slow, from),
    missing: sum(arm.missing, from),
  };
}

export const shareOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

/**
 * The share that failed around each point: over a minute where points are closer than that, or single calls make noise.
 */
export function failedShares(arm: ArmSeries, at: readonly number[], step: number): (number | null)[] {
  const window = Math.max(60, step) * 1000;
  let [total, failed, first] = [0, 0, 0];
  return at.map((time, index) => {
    total += arm.total[index] ?? 0;
    failed += arm.failed[index] ?? 0;
    while ((at[first] ?? time) <= time - window) {
      total -= arm.total[first] ?? 0;
      failed -= arm.failed[first] ?? 0;
      first += 1;
    }
    return total > 0 ? (100 * failed) / total : null;
  });
}

const KINDS = ['absolute', 'relative', 'slowAbsolute', 'slowRelative'] as const;
export type Kind = (typeof KINDS)[number];

/** The two statistics that are drawn: those of failures, or those of slow calls where they are nearer to a rollback. */
export function drawn(series: Series): { against: Kind; above: Kind } {
  const last = (kind: Kind) => Math.max(...series.evidence[kind].slice(-30), 0);
  const isSlow = Math.max(last('slowAbsolute'), last('slowRelative')) > Math.max(last('absolute'), last('relative'));
  return isSlow ? { against: 'slowRelative', above: 'slowAbsolute' } : { against: 'relative', above: 'absolute' };
}

/** Since when evidence rises: the last time that there was none, which is a value of 1. */
export function risesSince(series: Series): number | undefined {
  const { against, above } = drawn(series);
  const values = series.at.map((_, at) => Math.max(series.evidence[against][at] ?? 0, series.evidence[above][at] ?? 0));
  const calm = values.findLastIndex((value) => value <= 1);
  return calm >= 0 && calm < values.length - 1 ? series.at[calm] : undefined;
}

export interface Reasons {
  readonly perSecond: number;
  readonly shares: readonly (readonly [string, number])[];
}

/** Decisions by reason over the last `seconds`. */
export function reasons(series: Series, seconds: number): Reasons {
  const from = tail(series, seconds);
  const counted = Object.entries(series.decisions).map(([reason, values]) => [reason, sum(values, from)] as const);
  const total = counted.reduce((all, [, value]) => all + value, 0);
  const lasted = length(series, from);
  return {
    perSecond: lasted > 0 ? total / lasted : 0,
    shares: total === 0 ? [] : counted.map(([reason, value]) => [reason, (100 * value) / total] as const),
  };
}

/** The share of outcomes that are of eligible users. */
export function eligible(series: Series, seconds: number): number | null {
  const from = tail(series, seconds);
  const inside = sum(series.treatment.total, from) + sum(series.control.total, from);
  return inside === 0 ? null : shareOf(inside, inside + sum(series.outside.total, from));
}

/** Calls of eligible users a second. */
export function callsPerSecond(series: Series, seconds: number): number {
  const from = tail(series, seconds);
  return (sum(series.treatment.total, from) + sum(series.control.total, from)) / Math.max(1, length(series, from));
}
