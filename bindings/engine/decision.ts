import type { Decision, JsonValue, PackedDecision } from '../contract.d.ts';
import { numberOf } from './key-values.ts';

/** The bit of a packed decision that is set when the feature is on. */
const ENABLED = 1 << 24;

/** Whether the feature is on. */
export function isOn(outcome: PackedDecision): boolean {
  return (outcome & ENABLED) !== 0;
}

/** The decision that a binding's `decisionText` describes: see `EngineBinding` in the contract. */
export function parseDecision(text: string, outcome: PackedDecision): Decision {
  const [reason = '', errorCode, arm = '', variant, rule, ...value] = text.split('\n');
  return Object.freeze({
    enabled: isOn(outcome),
    value: parseValue(value.join('\n')),
    variant: variant || undefined,
    reason,
    errorCode: errorCode || undefined,
    rule: rule || undefined,
    arm,
  });
}

function parseValue(text: string): JsonValue | undefined {
  const rest = text.slice(1);
  if (text[0] === 'j') return parseJson(rest);
  if (text[0] === 's') return rest;
  return text[0] === 'd' ? numberOf(rest) : undefined;
}

/** Bytes that no compiler wrote may hold text that is no JSON: then there is no value, and the fallback applies. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return frozen(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function frozen(value: JsonValue): JsonValue {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
