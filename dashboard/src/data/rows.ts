/** The rows of the list: a flag as the document has it, with what hosts say of it, and the words for its state. */

import { DAY } from '../words/format.ts';
import type { LiveFlag, Overview } from './api.ts';

export interface FlagRow {
  readonly at: number;
  readonly key: string;
  readonly description: string;
  readonly owner: string;
  readonly tags: readonly string[];
  readonly kind: string;
  readonly until: number | null;
  readonly enabled: boolean;
  readonly percentage: number;
  readonly scheduled: boolean;
  readonly rules: number;
  readonly variants: number;
  readonly needs: readonly string[];
  readonly threshold: boolean;
  readonly changedAt: number | null;
}

export function rowsOf({ flags }: Overview): FlagRow[] {
  return flags.key.map((key, at) => ({
    at,
    key,
    description: flags.description[at] ?? '',
    owner: flags.owner[at] ?? '',
    tags: flags.tags[at] ?? [],
    kind: flags.kind[at] ?? '',
    until: flags.until[at] ?? null,
    enabled: flags.enabled[at] ?? true,
    percentage: flags.percentage[at] ?? 100,
    scheduled: flags.scheduled[at] ?? false,
    rules: flags.rules[at] ?? 0,
    variants: flags.variants[at] ?? 0,
    needs: (flags.needs[at] ?? []).map((position) => flags.key[position] ?? ''),
    threshold: flags.threshold[at] ?? false,
    changedAt: flags.changedAt[at] ?? null,
  }));
}

/** Worst first. */
export const STATES = [
  'unprotected',
  'rolledBack',
  'capped',
  'held',
  'probing',
  'evidence',
  'waits',
  'rolling',
  'split',
  'full',
  'off',
  'stale',
  'unasked',
] as const;

export type State = (typeof STATES)[number];

const SEVERITY = new Map<State, number>(STATES.map((state, at) => [state, at]));
export const severity = (state: State): number => SEVERITY.get(state) ?? STATES.length;

/** Each state has a shape of its own, so that nothing depends on colour. */
export const SHAPES: Readonly<Record<State, string>> = {
  unprotected: '◆',
  rolledBack: '▼',
  capped: '◣',
  held: '■',
  probing: '◐',
  evidence: '▲',
  waits: '○',
  rolling: '▶',
  split: '▶',
  full: '●',
  off: '○',
  stale: '◷',
  unasked: '○',
};

export type Tone = 'bad' | 'warn' | 'hold' | 'run' | 'ok' | 'off';

export const TONES: Readonly<Record<State, Tone>> = {
  unprotected: 'bad',
  rolledBack: 'bad',
  capped: 'warn',
  held: 'hold',
  probing: 'warn',
  evidence: 'warn',
  waits: 'off',
  rolling: 'run',
  split: 'run',
  full: 'ok',
  off: 'off',
  stale: 'off',
  unasked: 'off',
};

/** From this share of a rollback on, evidence is shown as rising. */
export const RISING = 0.1;
const STALE_MS = 90 * DAY;

export const isCapped = (live: LiveFlag): boolean => live.trip.startsWith('capped');
/** The percentage that a cap leaves. */
export const capOf = (live: LiveFlag): number => Number(live.trip.split(' ')[1] ?? 0) / 1000;
export const isSlow = (live: LiveFlag): boolean => live.cause?.startsWith('slow') ?? false;
/** Whether it is off for everyone, by its breaker or by a person. */
export const isOff = (live: LiveFlag | undefined): boolean => live?.trip === 'off' || live?.mode === 'held';
/** Whether the breaker, or a person, holds it back so that a person must act. */
export const waitsForPerson = (live: LiveFlag | undefined): boolean =>
  live?.next === 'acknowledge' || live?.next === 'release';

export const evidenceRises = (live: LiveFlag | undefined): boolean => (live?.evidence ?? 0) > RISING;

function isStale(row: FlagRow, now: number): boolean {
  if (row.until !== null && row.until < now) return true;
  const ends = row.percentage === 0 || row.percentage === 100;
  return row.kind === 'release' && ends && !row.scheduled && row.changedAt !== null && now - row.changedAt > STALE_MS;
}

const DONE_MS = 14 * DAY;

/** Whether everybody has had the new way for two weeks and nothing else is planned. */
export function isDone(row: FlagRow, now: number): boolean {
  const isFull = row.enabled && row.percentage === 100 && !row.scheduled && row.kind === 'release';
  return isFull && row.changedAt !== null && now - row.changedAt > DONE_MS;
}

/** What the breaker and people say of it, before anything that the document says. */
function heldBack(live: LiveFlag): State | undefined {
  if (live.mode === 'held') return 'held';
  if (live.trip === 'off') return 'rolledBack';
  if (isCapped(live)) return 'capped';
  if (live.trip === 'probing') return 'probing';
  return evidenceRises(live) ? 'evidence' : undefined;
}

/**
 * A flag that it needs and that is rolled back or held. A flag that the document has switched off may be needed so: the
 * list does not know.
 */
export function blocker(row: FlagRow, live: ReadonlyMap<string, LiveFlag>): string | undefined {
  return row.needs.find((key) => isOff(live.get(key)));
}

/** The percentage that is asked for now. The document's own is the one before its schedule. */
export const askedOf = (row: FlagRow, live: LiveFlag | undefined): number =>
  live?.asked ?? (row.enabled ? row.percentage : 0);

export function stateOf(
  row: FlagRow,
  live: LiveFlag | undefined,
  now: number,
  isUnasked: boolean,
  waitsFor: string | undefined,
): State {
  const held = live && heldBack(live);
  if (held) return held;
  if (live?.unprotected) return 'unprotected';
  const asked = askedOf(row, live);
  if (waitsFor && asked > 0) return 'waits';
  if (isStale(row, now)) return 'stale';
  if (asked === 0) return 'off';
  if (isUnasked) return 'unasked';
  if (asked === 100) return 'full';
  return row.variants > 1 ? 'split' : 'rolling';
}
