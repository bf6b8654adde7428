import type { EngineError, EngineErrorCode } from '../contract.d.ts';

/** An `Error` with a stable `code`. */
export function engineError(code: EngineErrorCode, message: string, cause?: unknown): EngineError {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** What an error says. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
