// `tests/vectors/host`: rules that the crate `flcm-flags-host` has as well, which runs the same files.

import { readFileSync } from 'node:fs';
import type { FleetState, TripState } from '@flcm/flags-web';
import { expect, test } from 'vitest';
import { parsePersistedState, withWrites } from '../../.flcm-core/features/circuit-breaker/persistence.ts';
import { isTrip, Overrides } from '../../.flcm-core/features/overrides.ts';
import { follows } from '../../.flcm-core/features/remote-config/follows.ts';
import { Revisions } from '../../.flcm-core/features/remote-config/revisions.ts';
import { backOff, nextPoll, numberOf, phaseOf } from '../../.flcm-core/features/schedule.ts';

function cases<C>(name: string): C[] {
  const file = new URL(`../vectors/host/${name}`, import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: C[] };
  expect(cases.length).toBeGreaterThan(0);
  return cases;
}

interface Poll {
  readonly instance: number;
  readonly intervalMs: number;
  readonly wall: number;
  readonly random: number;
  readonly phase: number;
  readonly waitMs: number;
}

test('polls', () => {
  for (const { instance, intervalMs, wall, random, phase, waitMs } of cases<Poll>('polls.json')) {
    expect(phaseOf(instance)).toBe(phase);
    expect(nextPoll(intervalMs, phase, { wall, random })).toBe(waitMs);
  }
});

interface BackOff {
  readonly failures: number;
  readonly firstMs: number;
  readonly longestMs: number;
  readonly random: number;
  readonly waitMs: number;
  readonly number: number;
}

test('back-offs', () => {
  for (const { failures, firstMs, longestMs, random, waitMs, number } of cases<BackOff>('back-offs.json')) {
    expect(backOff(failures, firstMs, longestMs, random)).toBe(waitMs);
    expect(numberOf(random)).toBe(number);
  }
});

interface Override {
  readonly note: string;
  readonly storedFleet?: Record<string, TripState>;
  readonly storedHeld?: string[];
  readonly steps: readonly { fleet?: FleetState; hold?: string; release?: string }[];
  readonly external: Record<string, TripState>;
  readonly generations?: Record<string, number>;
}

test('overrides', () => {
  for (const { note, storedFleet = {}, storedHeld, steps, external, generations } of cases<Override>(
    'overrides.json',
  )) {
    const overrides = new Overrides(new Map(Object.entries(storedFleet)), new Set(storedHeld));
    for (const { fleet, hold, release } of steps) {
      if (fleet) overrides.setFleet(fleet);
      if (hold !== undefined) overrides.setHeld(hold, true);
      if (release !== undefined) overrides.setHeld(release, false);
    }
    for (const [key, trip] of Object.entries(external)) {
      expect(overrides.external(key), `${note}: ${key}`).toBe(trip);
      expect(overrides.generation(key), `${note}: ${key}`).toBe(generations?.[key]);
    }
  }
});

interface Write {
  readonly note: string;
  readonly existing?: string;
  readonly breakers?: Record<string, number[]>;
  readonly held?: Record<string, boolean>;
  readonly fleet?: Record<string, TripState>;
  readonly written: string;
  readonly isReadable: boolean;
}

test('persistence', () => {
  for (const { note, existing, breakers = {}, held = {}, fleet, written, isReadable } of cases<Write>(
    'persistence.json',
  )) {
    const file = existing === undefined ? undefined : new TextEncoder().encode(existing);
    if (isReadable) parsePersistedState(file);
    else expect(() => parsePersistedState(file), note).toThrow();
    const bytes = withWrites(file, {
      breakers: new Map(Object.entries(breakers).map(([key, numbers]) => [key, Uint8Array.from(numbers)])),
      held: new Map(Object.entries(held)),
      ...(fleet && { fleet: new Map(Object.entries(fleet)) }),
    });
    // In any order: Rust sorts them.
    const lines = (text: string) => text.split('\n').sort();
    expect(lines(new TextDecoder().decode(bytes)), note).toEqual(lines(written));
    parsePersistedState(bytes);
  }
});

test('trips', () => {
  for (const { text, isTrip: wanted } of cases<{ text: string; isTrip: boolean }>('trips.json')) {
    expect(isTrip(text), text).toBe(wanted);
  }
});

interface Answers {
  readonly note: string;
  readonly inUse: string;
  readonly storedOlderSince?: number;
  readonly steps: readonly { at: number; revision: string; then: 'jump' | 'newer' | 'older' | 'reset' }[];
  readonly olderSince?: number;
}

const CODES = { jump: 'REVISION_JUMP', newer: undefined, older: 'OLDER_REVISION', reset: 'REVISION_RESET' };

test('revisions', () => {
  for (const { note, inUse, storedOlderSince, steps, olderSince } of cases<Answers>('revisions.json')) {
    const revisions = new Revisions();
    revisions.olderSince = storedOlderSince;
    let before = BigInt(inUse);
    for (const { at, revision, then } of steps) {
      const next = BigInt(revision);
      expect(revisions.answered(follows(next, before), at), `${note}: ${revision} at ${at}`).toBe(CODES[then]);
      if (then === 'newer' || then === 'reset') before = next;
    }
    expect(revisions.olderSince, note).toBe(olderSince);
  }
});
