import type { Attributes } from '../contract.d.ts';
import { engineError } from './error.ts';

/** What an attribute may be, once it is known to be there. */
export type Present = boolean | number | string | readonly string[];

/** The id that stands for the cohorts which the host names. */
const COHORTS = -1;

/** Who asks, as the engine wants it: the values of the attributes that it knows, each behind its id. */
export interface Asker {
  readonly key: string | undefined;
  /** Id, value, id, value; as far as `length` says. */
  readonly pairs: readonly (number | Present)[];
  readonly length: number;
  /** How many entries they take: one a value, and one an item of a list. */
  readonly entries: number;
}

/** One asker after the other. Arrays are written over rather than emptied, because emptying gives their memory back. */
export class Gatherer implements Asker {
  key: string | undefined;
  readonly pairs: (number | Present)[] = [];
  length = 0;
  entries = 0;

  /** Takes every attribute that is known. */
  known(key: unknown, attributes: Attributes, idOf: ReadonlyMap<string, number>): void {
    this.#begin(key);
    for (const name in attributes) {
      const id = idOf.get(name);
      if (id !== undefined) this.#take(name, id, attributes[name]);
    }
    this.#takeCohorts(attributes.cohorts);
  }

  /** Takes the attributes of these names alone. */
  named(key: unknown, attributes: Attributes, names: readonly string[], ids: readonly number[]): void {
    this.#begin(key);
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      this.#take(name, ids[i] as number, attributes[name]);
    }
    this.#takeCohorts(attributes.cohorts);
  }

  /** What was gathered, for keeps. */
  captured(): Asker {
    const { key, length, entries } = this;
    return { key, pairs: this.pairs.slice(0, length), length, entries };
  }

  #begin(key: unknown): void {
    if (typeof key !== 'string' && key != null) {
      throw engineError('INVALID_CONTEXT', `the targeting key must be a string, not ${nameOf(key)}`);
    }
    this.key = key ?? undefined;
    this.length = 0;
    this.entries = 0;
  }

  /** Anything but a list names no cohort. */
  #takeCohorts(value: unknown): void {
    if (Array.isArray(value)) this.#take('cohorts', COHORTS, value);
  }

  #take(name: string, id: number, value: unknown): void {
    if (value == null) return;
    const present = presentOf(name, value);
    this.pairs[this.length++] = id;
    this.pairs[this.length++] = present;
    this.entries += typeof present === 'object' ? 1 + present.length : 1;
  }
}

/** Lists are copied: what the caller does to its object later is not seen. */
function presentOf(name: string, value: unknown): Present {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.slice();
  throw unreadable(name, value);
}

function unreadable(name: string, value: unknown): Error {
  const help = value instanceof Date ? '; give a time as a number (`getTime()`) or as text (`toISOString()`)' : '';
  const wanted = 'a boolean, a number, a string or a list of strings';
  return engineError('INVALID_CONTEXT', `the attribute \`${name}\` must be ${wanted}, not ${nameOf(value)}${help}`);
}

function nameOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list that holds something else';
  return typeof value === 'object'
    ? `an object (${value?.constructor?.name ?? 'without a class'})`
    : `a ${typeof value}`;
}
