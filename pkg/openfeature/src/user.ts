import type { AttributeValue, UserContext } from '@flcm/features';
import type { EvaluationContext, EvaluationContextValue } from '@openfeature/core';

/**
 * Who asks, as the runtime takes it: dates become text. What no condition can read, such as an object, is left out, as the server of flags
 * does by the remote protocol.
 */
export function userOf(context: EvaluationContext): UserContext {
  const { targetingKey, ...rest } = context;
  const attributes: Record<string, AttributeValue> = {};
  for (const name in rest) attributes[name] = attributeOf(rest[name]);
  return { ...attributes, targetingKey };
}

function attributeOf(value: EvaluationContextValue | undefined): AttributeValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string') ? value : undefined;
  // A date that is none has no text.
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined;
}

/** Whether two contexts hold the same: the SDK makes a copy for each evaluation. */
export function isSame(one: EvaluationContext, other: EvaluationContext): boolean {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => Object.is(one[name], other[name]));
}
