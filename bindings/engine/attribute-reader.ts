import type { Attributes } from '../contract.d.ts';
import { engineError, nameOf } from './error.ts';

/** What an attribute may be, once it is known to be there. */
export type Present = boolean | number | string | readonly string[];

/** The id that stands for the cohorts which the host names. */
const COHORTS = -1;

/** Who asks, as the engine wants it: the values of the attributes that it knows, each behind its id. */
export interface ContextInput {
  readonly key: string | undefined;
  /** Id, value, id, value; up to `length`. */
  readonly pairs: readonly (number | Present)[];
  readonly length: number;
  /** How many entries they take: one a value, and one an item of a list. */
  readonly entries: number;
}

/** One context after the other. Arrays are written over rather than emptied, because emptying gives their memory back. */
export class AttributeReader implements ContextInput {
  key: string | undefined;
  readonly pairs: (number | Present)[] = [];
  length = 0;
  entries = 0;

  /** Takes every attribute that is known. */
  known(key: unknown, attributes: Attributes, idOf: ReadonlyMap<string, number>): void {
    this.#begin(key, attributes);
    for (const name in attributes) {
      const id = idOf.get(name);
      if (id !== undefined) this.#take(attributes, name, id);
    }
    this.#takeCohorts(attributes);
  }

  /** Takes the attributes of these names alone. */
  named(key: unknown, attributes: Attributes, names: readonly string[], ids: readonly number[]): void {
    this.#begin(key, attributes);
    for (let i = 0; i < names.length; i++) this.#take(attributes, names[i] as string, ids[i] as number);
    this.#takeCohorts(attributes);
  }

  /** What was gathered, for keeps. */
  captured(): ContextInput {
    const { key, length, entries } = this;
    return { key, pairs: this.pairs.slice(0, length), length, entries };
  }

  #begin(key: unknown, attributes: Attributes): void {
    if (typeof key !== 'string' && key != null) {
      throw engineError('INVALID_CONTEXT', `the targeting key must be a string, not ${nameOf(key)}`);
    }
    if (typeof attributes !== 'object') {
      throw engineError('INVALID_CONTEXT', `the attributes must be an object, not ${nameOf(attributes)}`);
    }
    this.key = key ?? undefined;
    this.length = 0;
    this.entries = 0;
  }

  /** Anything but a list names no cohort. */
  #takeCohorts(attributes: Attributes): void {
    if (Array.isArray(attributes.cohorts)) this.#take(attributes, 'cohorts', COHORTS);
  }

  /** What an object inherits is no attribute: a document may name one `constructor`. */
  #take(attributes: Attributes, name: string, id: number): void {
    const value = attributes[name];
    if (value == null || !Object.hasOwn(attributes, name)) return;
    const present = presentOf(name, value);
    this.pairs[this.length++] = id;
    this.pairs[this.length++] = present;
    this.entries += typeof present === 'object' ? 1 + present.length : 1;
  }
}

/** The value of an attribute. Lists are copied: what the caller does to its object later is not seen. */
export function presentOf(name: string, value: unknown): Present {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) throw unreadable(name, value);
  const list: string[] = [];
  for (let i = 0; i < value.length; i++) {
    const item: unknown = value[i];
    if (typeof item !== 'string') throw unreadable(name, value);
    list.push(item);
  }
  return list;
}

function unreadable(name: string, value: unknown): Error {
  const help = value instanceof Date ? '; give a time as a number (`getTime()`) or as text (`toISOString()`)' : '';
  const wanted = 'a boolean, a number, a string or a list of strings';
  return engineError('INVALID_CONTEXT', `the attribute \`${name}\` must be ${wanted}, not ${nameOf(value)}${help}`);
}
