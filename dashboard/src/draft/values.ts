/**
 * Reads an outline: the values of a flag or a cohort that are in force. An outline has what lists and maps contain, one
 * by one.
 */

import type { Outline, OutlineValue } from '../engine.ts';
import { type Path, samePath, type Value } from './store.ts';

export type MapValue = { readonly [key: string]: Value };

export const isMap = (value: Value): value is MapValue =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const below = (path: Path, prefix: Path): boolean =>
  path.length > prefix.length && samePath(path.slice(0, prefix.length), prefix);

function build(values: readonly OutlineValue[], prefix: Path): Value | undefined {
  const own = values.find(({ path }) => samePath(path, prefix));
  const inside = values.filter(({ path }) => below(path, prefix));
  if (inside.length === 0) return own?.value;
  const keys = [...new Set(inside.map(({ path }) => path[prefix.length] as string | number))];
  const parts = keys.map((key) => [key, build(inside, [...prefix, key]) ?? null] as const);
  return typeof keys[0] === 'number' ? parts.map(([, value]) => value) : Object.fromEntries(parts);
}

/** What an outline has of values. */
export type Values = Pick<Outline, 'values'>;

export function read<T>(outline: Values, ...path: Path): T | undefined {
  return build(outline.values, path) as T | undefined;
}

/** From where a value, or all that is in it, is inherited. */
export function inheritedFrom(outline: Values, ...path: Path): string | undefined {
  const found = outline.values.filter((value) => samePath(value.path, path) || below(value.path, path));
  const [first] = found;
  if (first?.origin.kind !== 'inherited' || found.some(({ origin }) => origin.kind !== 'inherited')) return undefined;
  return String(first.origin.from[1] ?? first.origin.from[0]);
}

/** A value as one line, for what has no form of its own. */
export function oneLine(value: Value): string {
  if (Array.isArray(value)) return value.map(oneLine).join(', ');
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .map(([name, part]) => `${name} ${oneLine(part as Value)}`)
      .join(', ');
  }
  return String(value);
}
