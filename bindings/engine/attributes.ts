import type { Attributes } from '../contract.d.ts';
import { engineError } from './error.ts';

/** What an attribute may be, once it is known to be there. */
export type Present = boolean | number | string | readonly string[];

/** The id that stands for the cohorts which the host names. */
const COHORTS = -1;

/** Who asks, as the engine wants it: the values of the attributes that it knows, under their ids. */
export class Asker {
  key: string | undefined;
  readonly ids: number[] = [];
  readonly values: Present[] = [];
  /** The values, and the items of those that are lists. */
  entries = 0;

  /** Forgets all, so that one object serves many askers. */
  reset(key: unknown): void {
    if (typeof key !== 'string' && key != null) {
      throw engineError('INVALID_CONTEXT', `the targeting key must be a string, not ${nameOf(key)}`);
    }
    this.key = key ?? undefined;
    this.ids.length = 0;
    this.values.length = 0;
    this.entries = 0;
  }

  /** Takes every attribute that is known. Lists are copied: what the caller does to its object later is not seen. */
  takeKnown(attributes: Attributes, idOf: ReadonlyMap<string, number>): void {
    for (const name in attributes) {
      const id = idOf.get(name);
      if (id !== undefined) this.#take(name, id, attributes[name]);
      if (name === 'cohorts') this.#takeCohorts(attributes[name]);
    }
  }

  /** Takes the attributes of these names alone, and the cohorts. */
  takeNamed(attributes: Attributes, names: readonly string[], ids: ArrayLike<number>): void {
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as string;
      this.#take(name, ids[i] as number, attributes[name]);
    }
    this.#takeCohorts(attributes.cohorts);
  }

  /** Anything but a list names no cohort. */
  #takeCohorts(value: unknown): void {
    if (Array.isArray(value)) this.#take('cohorts', COHORTS, value);
  }

  #take(name: string, id: number, value: unknown): void {
    if (value == null) return;
    const present = presentOf(name, value);
    this.ids.push(id);
    this.values.push(present);
    this.entries += typeof present === 'object' ? 1 + present.length : 1;
  }
}

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
