/** Reads an outline: the values of a flag that are in force. */

import type { Value } from '../../draft/store.ts';
import type { Outline, OutlineValue } from '../../engine.ts';

export function find(outline: Outline, ...path: string[]): OutlineValue | undefined {
  return outline.values.find(
    (value) => value.path.length === path.length && path.every((part, at) => value.path[at] === part),
  );
}

export function read<T>(outline: Outline, ...path: string[]): T | undefined {
  return find(outline, ...path)?.value as T | undefined;
}

/** From where a value is inherited. */
export function inheritedFrom(outline: Outline, ...path: string[]): string | undefined {
  const origin = find(outline, ...path)?.origin;
  return origin && origin.kind !== 'own' ? origin.from : undefined;
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
