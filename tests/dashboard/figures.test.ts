/** Sums over a series whose quiet steps have no points. */

import { expect, test } from 'vitest';
import type { Series } from '../../dashboard/src/data/api.ts';
import { callsPerSecond, failedShares, reasons, sums, tail } from '../../dashboard/src/pages/flag/figures.ts';

const arm = (total: number[], failed: number[]) => ({
  total,
  failed,
  slow: total.map(() => 0),
  missing: total.map(() => 0),
});

/** Points of ten seconds; nothing was counted for five minutes between the second and the third. */
const series = {
  step: 10,
  at: [0, 10_000, 310_000, 320_000],
  treatment: arm([100, 100, 10, 10], [50, 50, 1, 0]),
  control: arm([0, 0, 0, 0], [0, 0, 0, 0]),
  decisions: { SPLIT: [100, 100, 10, 10], DEFAULT: [0, 0, 20, 20] },
} as unknown as Series;

test('the last minute is a minute, not six points', () => {
  expect(tail(series, 60)).toBe(2);
  expect(sums(series.treatment, tail(series, 60))).toMatchObject({ total: 20, failed: 1 });
});

test('nothing of before a moment counts after it', () => {
  expect(tail(series, 3600, 315_000)).toBe(3);
  expect(tail(series, 3600, 900_000)).toBe(4);
});

test('shares are of the minute around a point', () => {
  expect(failedShares(series.treatment, series.at, series.step)).toEqual([50, 50, 10, 5]);
});

test('a second is a second, whether something was counted or not', () => {
  expect(callsPerSecond(series, 60)).toBe(1);
  expect(callsPerSecond(series, 3600)).toBeCloseTo(220 / 330);
  expect(reasons(series, 60)).toEqual({
    perSecond: 3,
    shares: [
      ['SPLIT', 100 / 3],
      ['DEFAULT', 200 / 3],
    ],
  });
});
