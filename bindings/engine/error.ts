import type { EngineError, EngineErrorCode } from '../contract.d.ts';

/** An `Error` with a stable `code`. */
export function engineError(code: EngineErrorCode, message: string, cause?: unknown): EngineError {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** The message of an error, of whatever realm it is. */
export function messageOf(error: unknown): string {
  return (error as Partial<Error> | null | undefined)?.message ?? 'no reason given';
}

/** Names what was given instead of what was wanted. */
export function nameOf(value: unknown): string {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return 'a list that holds something else';
  if (typeof value === 'object') return `an object (${value.constructor?.name ?? 'without a class'})`;
  return value === undefined ? 'undefined' : `a ${typeof value}`;
}

/** Whether something is a `Uint8Array` or the like, of whatever realm. */
export function isArray(value: unknown, name: 'Uint8Array' | 'Uint32Array'): boolean {
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === `[object ${name}]`;
}
