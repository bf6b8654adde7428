import type { Decision } from '@flcm/features';
import {
  ErrorCode,
  type FlagMetadata,
  type FlagValueType,
  type JsonValue,
  type ResolutionDetails,
} from '@openfeature/core';

/** Why a flag could not be decided, for people. */
const MESSAGES: Readonly<Record<string, string>> = {
  FLAG_NOT_FOUND: 'there is no such flag',
  INVALID_CONTEXT: 'the targeting key or an attribute is of a type that cannot be read',
  PARSE_ERROR: 'the flag is of a later version than this engine',
  PROVIDER_NOT_READY: 'no flags are in use',
};

/** What is known of a flag besides its decisions. */
export interface KnownFlag {
  readonly key: string;
  /** `undefined` for a flag that is not there. */
  readonly salt: string | undefined;
  readonly isStatic: boolean;
  /** What became of its decisions, which are the same object as long as they are equal: the SDK changes none. */
  readonly resolved: Map<Decision, ResolutionDetails<JsonValue>>;
}

/** A decision in OpenFeature's form: the fallback, and why, where there is none, or one of another type. */
export function resolutionOf<T extends JsonValue>(
  decision: Decision,
  fallback: T,
  type: FlagValueType,
  flag: KnownFlag,
  revision: number,
): ResolutionDetails<T> {
  const known = flag.resolved.get(decision);
  if (known !== undefined && typeof known.value === type) return known as ResolutionDetails<T>;
  const { value, variant, errorCode } = decision;
  const flagMetadata = metadataOf(flag, decision, revision);
  if (errorCode !== undefined) {
    return failed(fallback, codeOf(errorCode), MESSAGES[errorCode] ?? errorCode, flagMetadata);
  }
  if (value === null || typeof value !== type) {
    const message = `the flag is of type ${value === null ? 'null' : typeof value}, not ${type}`;
    return failed(fallback, ErrorCode.TYPE_MISMATCH, message, flagMetadata);
  }
  // A rule that serves everyone the same is no targeting.
  const reason = flag.isStatic && decision.reason === 'TARGETING_MATCH' ? 'STATIC' : decision.reason;
  const resolved: ResolutionDetails<T> = {
    value: value as T,
    reason,
    flagMetadata,
    ...(variant !== undefined && { variant }),
  };
  flag.resolved.set(decision, resolved);
  return resolved;
}

/** The metadata: a document need not have a revision, nor a rule a name, nor a flag a salt other than its key. */
function metadataOf({ key, salt }: KnownFlag, { rule }: Decision, revision: number): FlagMetadata {
  return {
    ...(revision > 0 && { revision }),
    ...(rule !== undefined && { rule }),
    ...(salt !== undefined && salt !== key && { salt }),
  };
}

function codeOf(code: string): ErrorCode {
  return ErrorCode[code as keyof typeof ErrorCode] ?? ErrorCode.GENERAL;
}

function failed<T>(
  value: T,
  errorCode: ErrorCode,
  errorMessage: string,
  flagMetadata: FlagMetadata,
): ResolutionDetails<T> {
  return { value, reason: 'ERROR', errorCode, errorMessage, flagMetadata };
}
