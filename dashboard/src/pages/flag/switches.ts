/** The cohorts of a rollout: who always gets the flag, and who never does. */

import type { Value } from '../../draft/store.ts';
import { isMap, read, type Values } from '../../draft/values.ts';

export const COHORTS = ['rollout', 'cohorts'];

/** A cohort, and whether its members get the flag. */
export type Switch = readonly [name: string, gets: boolean];

/** They are written as a map, or as a list of maps. */
export function switches(outline: Values): readonly Switch[] {
  const value = read<Value>(outline, ...COHORTS);
  const maps = Array.isArray(value) ? value : [value];
  return maps.filter((map) => isMap(map ?? null)).flatMap((map) => Object.entries(map as Record<string, boolean>));
}
