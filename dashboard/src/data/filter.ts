/** Filters as text, as they stand in the address: `owner:x tag:y is:rolling evidence:>10 asked:<7d` and free words. */

import { DAY } from '../words/format.ts';
import type { LiveFlag } from './api.ts';
import { askedOf, evidenceRises, type FlagRow, type State, waitsForPerson } from './rows.ts';

export interface Entry {
  readonly row: FlagRow;
  readonly live: LiveFlag | undefined;
  readonly state: State;
}

type Test = (entry: Entry, now: number) => boolean;

export interface Filter {
  readonly test: Test;
  /** Terms that are no filter. */
  readonly unknown: readonly string[];
}

const IS = {
  waiting: ({ live, state }) => waitsForPerson(live) || state === 'unprotected',
  evidence: ({ live }) => evidenceRises(live),
  rolling: ({ state }) => state === 'rolling' || state === 'split',
  full: ({ row, live, state }) => askedOf(row, live) === 100 && state !== 'rolledBack' && state !== 'held',
  off: ({ row, live }) => askedOf(row, live) === 0,
  stale: ({ state }) => state === 'stale',
  unasked: ({ state }) => state === 'unasked',
  held: ({ state }) => state === 'held',
  rolledback: ({ state }) => state === 'rolledBack',
  capped: ({ state }) => state === 'capped',
  probing: ({ state }) => state === 'probing',
} satisfies Readonly<Record<string, (entry: Entry) => boolean>>;

/** The names that `is:` takes and that have a button. */
export const CHIPS = ['waiting', 'held', 'evidence', 'rolling', 'full', 'off', 'stale', 'unasked'] as const;

/** Whether a flag is what `is:` with a name asks for. */
export const isA = (name: (typeof CHIPS)[number], entry: Entry): boolean => IS[name](entry);

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: DAY };

function compare(value: string, parse: (text: string) => number): ((actual: number) => boolean) | undefined {
  const match = /^([<>]?)(.+)$/.exec(value);
  const bound = match?.[2] === undefined ? Number.NaN : parse(match[2]);
  if (Number.isNaN(bound)) return undefined;
  if (match?.[1] === '<') return (actual) => actual < bound;
  if (match?.[1] === '>') return (actual) => actual > bound;
  return (actual) => actual === bound;
}

function duration(text: string): number {
  const match = /^(\d+)([smhd])$/.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2] ?? ''] ?? Number.NaN) : Number.NaN;
}

const age = (value: string, of: (entry: Entry) => number | null): Test | undefined => {
  const test = compare(value, duration);
  return (
    test &&
    ((entry, now) => {
      const at = of(entry);
      return at !== null && test(now - at);
    })
  );
};

const number = (value: string, of: (entry: Entry) => number): Test | undefined => {
  const test = compare(value, (text) => Number(text.replace('%', '')));
  return test && ((entry) => test(of(entry)));
};

const FIELDS: Readonly<Record<string, (value: string) => Test | undefined>> = {
  is: (value) => (IS as Readonly<Record<string, Test>>)[value.toLowerCase()],
  owner:
    (value) =>
    ({ row }) =>
      row.owner === value,
  tag:
    (value) =>
    ({ row }) =>
      row.tags.includes(value),
  kind:
    (value) =>
    ({ row }) =>
      row.kind === value,
  needs:
    (value) =>
    ({ row }) =>
      row.needs.includes(value),
  evidence: (value) => number(value, ({ live }) => (live?.evidence ?? 0) * 100),
  share: (value) => number(value, ({ row, live }) => askedOf(row, live)),
  users: (value) => number(value, ({ live }) => live?.users24h ?? 0),
  asked: (value) => age(value, ({ live }) => live?.lastAsked ?? null),
  changed: (value) => age(value, ({ row }) => row.changedAt),
};

function word(text: string): Test {
  const part = text.toLowerCase();
  return ({ row }) => row.key.toLowerCase().includes(part) || row.description.toLowerCase().includes(part);
}

/** Values behind one name are alternatives: `owner:checkout,mentoring`. */
function term(text: string): Test | undefined {
  const colon = text.indexOf(':');
  const field = FIELDS[text.slice(0, Math.max(0, colon))];
  if (colon < 0) return word(text);
  if (!field) return undefined;
  const tests = text
    .slice(colon + 1)
    .split(',')
    .map(field);
  if (tests.some((test) => test === undefined)) return undefined;
  return (entry, now) => tests.some((test) => test?.(entry, now));
}

export function parseFilter(text: string): Filter {
  const terms = text.split(/\s+/).filter((part) => part !== '');
  const tests = terms.map((part) => ({ part, test: term(part) }));
  const known = tests.flatMap(({ test }) => (test ? [test] : []));
  return {
    test: (entry, now) => known.every((test) => test(entry, now)),
    unknown: tests.filter(({ test }) => test === undefined).map(({ part }) => part),
  };
}

/** The filter with its `is:` set to a name, or without. */
export function withIs(text: string, name: string | undefined): string {
  const others = text.split(/\s+/).filter((part) => part !== '' && !part.startsWith('is:'));
  return [...(name ? [`is:${name}`] : []), ...others].join(' ');
}

export const isOf = (text: string): string | undefined => /(?:^|\s)is:(\S+)/.exec(text)?.[1];
