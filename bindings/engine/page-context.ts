import type { Attributes, AttributeValue } from '../contract.d.ts';
import { engineError } from './error.ts';

/** The ids of an item of a list, and of the cohorts that the host names. */
const ITEM = -2;
const COHORTS = -1;

/** The kinds of values, as the core numbers them. */
const KINDS: Readonly<Record<string, number>> = { number: 3, string: 4, object: 5 };

const encoder = new TextEncoder();

/** The id of an entry, and its value. */
type Entry = [id: number, value: AttributeValue];

/**
 * A context as the core reads it: entries of sixteen bytes, then texts; see `Entries` of the core.
 *
 * @param idOf The id of an attribute; negative when no flag reads it.
 * @throws An `Error` with the code `INVALID_CONTEXT`.
 */
export function contextBytes(key: AttributeValue, attributes: Attributes, idOf: (name: string) => number): Uint8Array {
  if (typeof (key ?? '') !== 'string') throw unreadable('the targeting key', 'a string');
  const entries: Entry[] = [[0, key]];
  for (const name in attributes) take(entries, attributes, name, idOf(name));
  // Anything but a list names no cohort.
  if (Array.isArray(attributes.cohorts)) take(entries, attributes, 'cohorts', COHORTS);
  return written(entries);
}

/** Adds an attribute. What an object inherits is none: a document may name one `constructor`. */
function take(entries: Entry[], attributes: Attributes, name: string, id: number): void {
  const value = attributes[name];
  if (id < COHORTS || value == null || !Object.hasOwn(attributes, name)) return;
  const items = Array.isArray(value) ? value : [];
  const isKnown = items === value || typeof value === 'boolean' || (KINDS[typeof value] ?? 5) < 5;
  if (!isKnown || items.some((item) => typeof item !== 'string')) {
    throw unreadable(`the attribute \`${name}\``, 'a boolean, a number, a string or a list of strings');
  }
  entries.push([id, value], ...items.map((item): Entry => [ITEM, item]));
}

function written(entries: Entry[]): Uint8Array {
  let end = 16 * entries.length;
  const texts = entries.map(([, value]) => encoder.encode(typeof value === 'string' ? value : ''));
  const bytes = new Uint8Array(texts.reduce((sum, { length }) => sum + length, end));
  const view = new DataView(bytes.buffer);
  entries.forEach(([id, value], index) => {
    const at = 16 * index;
    const text = texts[index] as Uint8Array;
    // The first says how many follow.
    view.setInt32(at, index ? id : entries.length - 1, true);
    view.setInt32(at + 4, value == null ? 0 : (KINDS[typeof value] ?? (value ? 2 : 1)), true);
    if (typeof value === 'number') view.setFloat64(at + 8, value, true);
    else view.setInt32(at + 8, Array.isArray(value) ? value.length : end, true);
    if (typeof value === 'string') view.setInt32(at + 12, text.length, true);
    bytes.set(text, end);
    end += text.length;
  });
  return bytes;
}

function unreadable(what: string, wanted: string): Error {
  return engineError('INVALID_CONTEXT', `${what} must be ${wanted}`);
}
