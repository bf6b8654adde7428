/** The engine of pages: it decides, and nothing else. It is implemented in `bindings/engine/page.ts`. */

import type { Attributes, Decision, EngineErrorCode, FlagId, PackedDecision } from './contract.d.ts';

/** What an error of the engine of pages carries as `code`: `TOO_LARGE` for what only the full engine has room for. */
export type PageErrorCode = EngineErrorCode | 'TOO_LARGE';

/** Loads snapshots for pages. */
export interface PageEngine {
  /**
   * Takes in a snapshot of at most 1 MB and 8,192 flags. The bytes are copied.
   *
   * @throws An `Error` with the code `TOO_LARGE` or `INVALID_SNAPSHOT`.
   */
  load(bytes: Uint8Array): PageSnapshot;
}

/** A snapshot in use by a page. There is nothing to free. */
export interface PageSnapshot {
  /** The document's revision; 0 when it has none. */
  readonly revision: bigint;
  /** Digest of the bytes, 16 hexadecimal digits. */
  readonly digest: string;
  /** How many flags there are; their ids run from 0. */
  readonly flagCount: number;
  /** The id of a flag; negative when it is not there. */
  flag(key: string): FlagId;
  /**
   * A user. What is read of the attributes is captured. The engine keeps four contexts; one whose slot was taken is
   * bound again when it is asked next.
   *
   * @throws An `Error` with the code `INVALID_CONTEXT`, or `TOO_LARGE` for more than 8 KB.
   */
  context(targetingKey?: string | null, attributes?: Attributes): PageContext;
  /**
   * Sets the trip of a flag; false for a flag that is not there.
   *
   * @param bits 0 clear, 1 probing, 2 off; 3 and a cap in thousandths of a percent, which begins at the third bit
   */
  setTrip(key: string, bits: number): boolean;
}

/** A user of one snapshot. `now` is in milliseconds since 1970; a time before that counts as 1970. */
export interface PageContext {
  /** Decides one flag. */
  decide(flag: FlagId, now: number): PackedDecision;
  /** Whether a flag is on; `false` for a flag that is not there. */
  isEnabled(key: string, now: number): boolean;
  /** What is served, and why. */
  decision(key: string, now: number): Decision;
  /** Decides every flag: two numbers a flag, the rule (0xffffffff: none) and the outcome. */
  decideAll(now: number): Uint32Array;
}
