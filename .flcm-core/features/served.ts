/** What every entry does with a user and a decision, whatever the engine. */

import type { Decision, JsonValue, UserContext } from './types.ts';

/** A copy of what is known of a user: what the caller does to its object later is not seen. */
export function captured(user: UserContext): UserContext {
  if (typeof user !== 'object') throw new TypeError(`a context must be an object, not a ${typeof user}`);
  const copies = Object.entries(user).map(([name, value]) => [name, Array.isArray(value) ? [...value] : value]);
  return Object.fromEntries(copies);
}

/** What is served where nothing can decide. */
export function undecided(errorCode: string): Decision {
  return Object.freeze({
    enabled: false,
    value: undefined,
    variant: undefined,
    reason: 'ERROR',
    errorCode,
    rule: undefined,
    arm: 'outside',
  });
}

/** What was decided, unless it is nothing, or of another type than the fallback. @internal */
export function servedOr(fallback: JsonValue, { value }: Decision): JsonValue {
  return value !== undefined && typeOf(value) === typeOf(fallback) ? value : fallback;
}

/** `[object Null]`, `[object Array]` and so on: null and lists are types of their own. */
function typeOf(value: unknown): string {
  return Object.prototype.toString.call(value);
}
