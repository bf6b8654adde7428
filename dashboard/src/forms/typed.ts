/** Values as people write them in a field: 12, true, plain words; in quotes what would read as something else. */

import type { Value } from '../draft/store.ts';

const NUMBER = /^-?\d+(\.\d+)?$/;
/** They compare texts, so that `2.4` is one as well. */
const OF_TEXTS = /^(semver_|starts_|ends_|contains|not_contains|matches|before|after)/;
export const OF_LISTS: ReadonlySet<string> = new Set(['in', 'not_in']);
export const OF_NOTHING: ReadonlySet<string> = new Set(['exists', 'not_exists']);

function parsed(text: string): Value | undefined {
  try {
    return JSON.parse(text) as Value;
  } catch {
    return undefined;
  }
}

/** Reads one value. */
export function readValue(text: string): Value {
  const trimmed = text.trim();
  const isLiteral = NUMBER.test(trimmed) || /^(true|false)$|^["[{]/.test(trimmed);
  return (isLiteral ? parsed(trimmed) : undefined) ?? trimmed;
}

/** Writes one value so that it reads as the same. */
export function writeValue(value: Value | undefined): string {
  if (value === undefined) return '';
  return typeof value === 'string' && readValue(value) === value ? value : JSON.stringify(value);
}

/** Reads what an operator compares with. */
export function readOperand(operator: string, text: string): Value {
  if (OF_LISTS.has(operator)) {
    const whole = readValue(text);
    if (Array.isArray(whole)) return whole;
    return text
      .split(',')
      .filter((part) => part.trim() !== '')
      .map(readValue);
  }
  return OF_TEXTS.test(operator) && !text.trim().startsWith('"') ? text.trim() : readValue(text);
}

/** Writes what an operator compares with so that it reads as the same. */
export function writeOperand(operator: string, value: Value | undefined): string {
  const texts = Array.isArray(value) ? value.map((part) => writeValue(part as Value)).join(', ') : String(value ?? '');
  const isSame = JSON.stringify(readOperand(operator, texts)) === JSON.stringify(value);
  return isSame || value === undefined ? texts : JSON.stringify(value);
}
