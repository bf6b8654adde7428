/** The state of a flag, from what the document and the hosts say of it. */

import { expect, test } from 'vitest';
import type { LiveFlag } from '../../dashboard/src/data/api.ts';
import { parseFilter } from '../../dashboard/src/data/filter.ts';
import { type FlagRow, isDone, rowsOf, type State, stateOf } from '../../dashboard/src/data/rows.ts';

const NOW = 1_790_000_000_000;

/** A flag whose percentage was 0 or 100 before its schedule. */
function row(percentage: number, enabled = true): FlagRow {
  const [found] = rowsOf({
    revision: 1,
    digest: '',
    flags: {
      key: ['ramp'],
      description: [null],
      owner: [null],
      tags: [[]],
      kind: ['release'],
      until: [null],
      enabled: [enabled],
      percentage: [percentage],
      scheduled: [true],
      rules: [1],
      variants: [0],
      needs: [[]],
      threshold: [false],
      changed: [null],
      changedAt: [NOW],
    },
  });
  return found as FlagRow;
}

const live = (asked: number): LiveFlag => ({
  state: null,
  trip: 'clear',
  mode: 'auto',
  cause: null,
  next: 'nothing',
  nextAt: null,
  since: 0,
  evidence: 0,
  served: null,
  asked,
  treatment: [0, 0, 0, 0],
  control: [0, 0, 0, 0],
  users24h: 0,
  spark: [],
  behind: 0,
  stricter: 0,
  lastAsked: null,
  unprotected: false,
});

/** The state, and which filters find it. */
function seen(own: FlagRow, asked: number | undefined, waitsFor?: string): [State, string[]] {
  const flag = asked === undefined ? undefined : live(asked);
  const entry = { row: own, live: flag, state: stateOf(own, flag, NOW, false, waitsFor) };
  const filters = ['is:off', 'is:full', 'is:rolling', 'share:>0', 'share:100'];
  return [entry.state, filters.filter((filter) => parseFilter(filter).test(entry, NOW))];
}

test('a schedule has raised it from 0 percent', () => {
  expect(seen(row(0), 40)).toEqual(['rolling', ['is:rolling', 'share:>0']]);
  expect(seen(row(0), 100)).toEqual(['full', ['is:full', 'share:>0', 'share:100']]);
  expect(seen(row(0), 0)).toEqual(['off', ['is:off']]);
  expect(seen(row(0), 40, 'other')[0]).toBe('waits');
});

test('a schedule has lowered it from 100 percent', () => {
  expect(seen(row(100), 0)).toEqual(['off', ['is:off']]);
  expect(seen(row(100), 0, 'other')[0]).toBe('off');
  expect(seen(row(100), 30)).toEqual(['rolling', ['is:rolling', 'share:>0']]);
});

test('a flag of which hosts say nothing is what the document says', () => {
  expect(seen(row(0), undefined)).toEqual(['off', ['is:off']]);
  expect(seen(row(100), undefined)[0]).toBe('full');
  expect(seen(row(100, false), undefined)).toEqual(['off', ['is:off']]);
});

test('a flag is done two weeks after everybody has it, and not while it is switched off or on a schedule', () => {
  const done = { ...row(100), scheduled: false };
  const days = (count: number) => NOW + count * 24 * 3_600_000;
  expect([isDone(done, days(13)), isDone(done, days(15))]).toEqual([false, true]);
  const others = [{ enabled: false }, { scheduled: true }, { percentage: 99 }, { kind: 'ops' }, { changedAt: null }];
  expect(others.filter((other) => isDone({ ...done, ...other }, days(15)))).toEqual([]);
});
