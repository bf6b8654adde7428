// What the suite compares with: values, their text, and digests of text.

/** Fails unless both are the same value; `what` is called for the message. */
export function same(got, wanted, what) {
  if (!equal(got, wanted)) {
    throw new Error(`${what()}\n  wanted ${print(wanted)}\n  got    ${print(got)}`);
  }
}

/** Whether two values are the same as JSON. */
export function equal(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}

export const sameBytes = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

/** JSON text as the core writes it: like `JSON.stringify`, but for numbers that are large or small. */
export function print(value) {
  if (typeof value === 'number') return number(value);
  if (Array.isArray(value)) return `[${value.map(print).join(',')}]`;
  if (value === null || typeof value !== 'object') return `${JSON.stringify(value)}`;
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}:${print(inner)}`)
    .join(',')}}`;
}

/** Shortest digits, as both sides have them; Rust sets the point at other places than JavaScript does. */
function number(value) {
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 53) return `${value}`;
  const [, sign, digits, exponent] = /^(-?)([\d.]+)e([+-]\d+)$/.exec(value.toExponential());
  const all = digits.replace('.', '');
  const point = Number(exponent) + 1;
  if (point > 16 || point < -4) return `${sign}${digits}e${exponent}`;
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${all}`;
  return `${sign}${all.slice(0, point).padEnd(point, '0')}.${all.slice(point) || '0'}`;
}

const encoder = new TextEncoder();

/** SHA-256 of text or bytes, in hexadecimal digits. */
export async function sha256(data) {
  const bytes = typeof data === 'string' ? encoder.encode(data) : data;
  const digest = new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
