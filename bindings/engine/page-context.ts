import type { Attributes, AttributeValue } from '../contract.d.ts';
import { engineError } from './error.ts';

/** The ids of an item of a list, and of the cohorts that the host names. */
const ITEM = -2;
const COHORTS = -1;

/** The kinds of values, as the core numbers them. */
const KINDS: Readonly<Record<string, number>> = { number: 3, string: 4, object: 5 };

/** The most bytes of a context, and of a key: see `bindings/page`. */
export const CONTEXT: number = 8 << 10;

export const encoder: TextEncoder = new TextEncoder();

/** The id of an entry, and its value. */
type Entry = [id: number, value: AttributeValue];

/**
 * A context as the core reads it: entries of sixteen bytes, then texts; see `Entries` of the core.
 *
 * @param idOf The id of an attribute; negative when no flag reads it.
 * @throws An `Error` with the code `INVALID_CONTEXT` or `TOO_LARGE`.
 */
export function contextBytes(key: AttributeValue, attributes: Attributes, idOf: (name: string) => number): Uint8Array {
  if (typeof (key ?? '') !== 'string') throw unreadable('the targeting key', 'a string');
  if (typeof attributes !== 'object') throw unreadable('the attributes', 'an object');
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
  entries.push([id, value]);
  for (const item of items) entries.push([ITEM, item]);
}

function written(entries: Entry[]): Uint8Array {
  let end = 16 * entries.length;
  const units = entries.reduce((sum, [, value]) => sum + (typeof value === 'string' ? value.length : 0), 0);
  // A UTF-16 unit becomes one byte at least, and three at most.
  if (end + units > CONTEXT) throw tooLarge('context');
  const bytes = new Uint8Array((end + 3 * units + 7) & ~7);
  const integers = new Int32Array(bytes.buffer);
  const numbers = new Float64Array(bytes.buffer);
  entries.forEach(([id, value], index) => {
    const at = 4 * index;
    // The first says how many follow.
    integers[at] = index ? id : entries.length - 1;
    integers[at + 1] = value == null ? 0 : (KINDS[typeof value] ?? (value ? 2 : 1));
    if (typeof value === 'number') numbers[at / 2 + 1] = value;
    else integers[at + 2] = Array.isArray(value) ? value.length : end;
    if (typeof value === 'string') {
      integers[at + 3] = writeText(bytes, value, end);
      end += integers[at + 3] as number;
    }
  });
  if (end > CONTEXT) throw tooLarge('context');
  return bytes.subarray(0, end);
}

/** Writes a text; answers its length in bytes. The loop is faster for the short ASCII texts that most are. */
function writeText(bytes: Uint8Array, text: string, at: number): number {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 127) return encoder.encodeInto(text, bytes.subarray(at)).written;
    bytes[at + i] = unit;
  }
  return text.length;
}

/** The small engine has no room for something. */
export function tooLarge(what: string): Error {
  return Object.assign(new Error(`the ${what} is too large: use the full engine`), { code: 'TOO_LARGE' });
}

function unreadable(what: string, wanted: string): Error {
  return engineError('INVALID_CONTEXT', `${what} must be ${wanted}`);
}
