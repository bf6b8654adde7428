/** The state of a flag, in words and with its shape. */

import type { JSX } from 'preact';
import type { LiveFlag } from '../data/api.ts';
import { capOf, type FlagRow, isSlow, SHAPES, type State, TONES } from '../data/rows.ts';
import { now } from '../data/store.ts';
import { en } from '../words/en.ts';
import { date, exactPercent, percent, span } from '../words/format.ts';
import { Pill } from './parts.tsx';
import { useTicking } from './ticking.ts';

const ago = (since: number): string => (since > 0 ? span(now.value - since) : '');

function staleWords(row: FlagRow): string {
  if (row.until !== null && row.until < now.value) return en.state.past(date(row.until));
  return en.state.stale(exactPercent(row.percentage), ago(row.changedAt ?? now.value));
}

/** The words for a state. `waitsFor` is the flag that it waits for. */
export function stateWords(
  state: State,
  row: FlagRow,
  live: LiveFlag | undefined,
  waitsFor: string | undefined,
): string {
  const words = en.state;
  if (state === 'stale') return staleWords(row);
  if (state === 'waits') return words.waits(waitsFor ?? '');
  if (live) {
    if (state === 'rolledBack') return words.rolledBack(ago(live.since));
    if (state === 'capped') return words.capped(exactPercent(capOf(live)), isSlow(live));
    if (state === 'held') return words.held(live.by ?? null, ago(live.since));
    if (state === 'probing') return words.probing(live.served === null ? '' : percent(live.served));
  }
  if (live?.mode === 'observe' && state === 'rolling') return words.observed;
  if (live?.mode === 'forced_closed') return words.forced;
  const fixed: Partial<Record<State, string>> = words as never;
  return fixed[state] ?? state;
}

export function StatePill(props: {
  state: State;
  row: FlagRow;
  live: LiveFlag | undefined;
  waitsFor?: string | undefined;
}): JSX.Element {
  const { state, row, live, waitsFor } = props;
  const words = useTicking(() => stateWords(state, row, live, waitsFor), [state, row, live, waitsFor]);
  return (
    <Pill tone={TONES[state]} shape={SHAPES[state]}>
      {words}
    </Pill>
  );
}
