/** The flags and cohorts that edits are of, value by value. */

import { engine } from '../engine/client.ts';
import { type Edit, type Path, placeOf, type Value } from './store.ts';
import { read, type Values } from './values.ts';

export type PathEdit = Exclude<Edit, { op: 'text' }>;

export const isPathEdit = (edit: Edit): edit is PathEdit => edit.op !== 'text';

/** The flag or the cohort that an edit is of: `flags.checkout`. */
export const ownerOf = (edit: PathEdit): string => placeOf(edit).slice(0, 2).join('.');

export function valueAt(outline: Values | undefined, path: Path): Value | undefined {
  return outline && read<Value>(outline, ...path.slice(2));
}

function outlineOf(text: string, [part, name]: Path): Promise<Values | undefined> {
  const found = part === 'cohorts' ? engine().cohortOutline(text, String(name)) : engine().outline(text, String(name));
  // What is not in a text has no outline, and none of the values that are compared.
  return found.catch(() => undefined);
}

export async function outlines(
  text: string,
  edits: readonly PathEdit[],
): Promise<ReadonlyMap<string, Values | undefined>> {
  const owners = new Map(edits.map((edit) => [ownerOf(edit), placeOf(edit)]));
  const found = [...owners].map(async ([owner, place]) => [owner, await outlineOf(text, place)] as const);
  return new Map(await Promise.all(found));
}
