import type { Attributes, AttributeValue, UserContext } from '@flcm/features';
import type { EvaluationContext, EvaluationContextValue } from '@openfeature/core';

/** Who asks, as the runtime takes it. */
export function userOf(context: EvaluationContext): UserContext {
  return { ...attributesOf(context), targetingKey: context.targetingKey };
}

/**
 * What is known of who asks: dates become text. What no condition can read, such as an object, is left out, as the server of flags does by
 * the remote protocol.
 */
export function attributesOf(context: EvaluationContext): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  for (const name of Object.keys(context)) {
    if (name !== KEY) attributes[name] = attributeOf(context[name]);
  }
  return attributes;
}

/** The context of which an attribute may not be read: it is no attribute, even where a document names one so. */
export const KEY = 'targetingKey';

/** Whether the engine can read a context as it is. */
export function isReadable(context: EvaluationContext): boolean {
  for (const name in context) {
    const value = context[name];
    if (typeof value === 'object' && attributeOf(value) !== value) return false;
  }
  return true;
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
