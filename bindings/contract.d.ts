/**
 * The engine, as applications and the runtime use it: deciding and documents. Outcomes and counts are in
 * `outcomes.d.ts`, explanations and drafts in `documents.d.ts`, the small engine of pages in `page.d.ts`.
 *
 * It is implemented once, in `bindings/engine`, and is the same for every binding; `binding.d.ts` has what a binding
 * exports. No rule, hash or reason is known on this side: the core decides, and gives the reason as text.
 */

import type { Explained } from './documents.d.ts';
import type { Breakers, Metrics, Transition } from './outcomes.d.ts';

export type * from './documents.d.ts';
export type * from './outcomes.d.ts';
export type * from './page.d.ts';

/** What a context may carry. `null` and `undefined` are the same as an attribute that is left out. */
export type AttributeValue = boolean | number | string | readonly string[] | null | undefined;

/**
 * Attributes by name: the own properties of an object. `cohorts`, a list of strings, names the cohorts that the host
 * puts this user in.
 */
export type Attributes = Readonly<Record<string, AttributeValue>>;

/** What a flag serves. */
export type JsonValue = boolean | number | string | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * The trip of a flag, by its breaker: none, only the probe share passes, off for everyone, or that no percentage is
 * higher than so many thousandths of a percent.
 */
export type TripState = 'clear' | 'probing' | 'off' | `capped ${number}`;

/**
 * What an `Error` thrown by an engine carries as `code`.
 *
 * - `FREED`: the snapshot was freed.
 * - `INVALID_ARGUMENT`: an argument has the wrong type or size.
 * - `INVALID_CONTEXT`: the targeting key or an attribute cannot be read, or the context is too large.
 * - `INVALID_SNAPSHOT`: the bytes are no snapshot, or are damaged.
 * - `OUT_OF_MEMORY`: the engine's memory is full. What was in use stays in use.
 */
export type EngineErrorCode = 'FREED' | 'INVALID_ARGUMENT' | 'INVALID_CONTEXT' | 'INVALID_SNAPSHOT' | 'OUT_OF_MEMORY';

/** Misuse or bad bytes. A decision throws for nothing that a snapshot contains, and for no flag that is not there. */
export interface EngineError extends Error {
  readonly code: EngineErrorCode;
}

/** Loads snapshots. */
export interface Engine {
  /** Which implementation decides: the native addon, WebAssembly, or its small build. */
  readonly name: 'compact' | 'native' | 'wasm';
  /** Version of the core. */
  readonly version: string;
  /**
   * Validates a snapshot and makes it ready to decide. The bytes are copied.
   *
   * @throws {@link EngineError} `INVALID_SNAPSHOT`, `INVALID_ARGUMENT`, `OUT_OF_MEMORY`. Nothing changes then.
   */
  load(bytes: Uint8Array): Snapshot;
}

/** A number that stands for a flag of one snapshot, from 0; -1 for a flag that the snapshot does not have. */
export type FlagId = number;

/**
 * A decision as one number.
 *
 * Bits 0 to 15 are the variant (0xffff: none), 16 to 23 the reason, then one bit each for enabled (24), serving
 * something (25), serving on (26), treatment (27) and control (28): the feature is on when `outcome & (1 << 24)` is not
 * 0. The texts of a reason come with {@link Snapshot.decisionOf}.
 */
export type PackedDecision = number;

/** Milliseconds since 1970; or what gives them, which is asked only where the time may change the decision. */
export type Time = number | { now(): number };

/** A snapshot in use. Every method throws {@link EngineError} `FREED` after {@link Snapshot.free}. */
export interface Snapshot {
  /** The document's revision; 0 when it has none. */
  readonly revision: bigint;
  /** Digest of the bytes, 16 hexadecimal digits: the same document has the same digest everywhere. */
  readonly digest: string;
  /** How many flags there are; their ids run from 0. */
  readonly flagCount: number;
  /** The attributes that some flag reads. Nothing else of a context crosses into the engine. */
  readonly attributes: readonly string[];
  /** The id of a flag, or -1. Unknown keys are not an error: deciding -1 gives `ERROR` `FLAG_NOT_FOUND`. */
  flag(key: string): FlagId;
  /** The key of a flag, or `undefined` for an id that no flag has. */
  flagKey(flag: FlagId): string | undefined;
  /**
   * What the percentages of a flag are drawn with: its key, unless the document sets another; `undefined` for an id
   * that no flag has.
   */
  flagSalt(flag: FlagId): string | undefined;
  /** Whether a flag serves everyone the same at any time, but for its breaker; false for an id that no flag has. */
  isStatic(flag: FlagId): boolean;
  /**
   * A user who will be decided for more than once. What is read of the attributes is captured: later changes of the
   * object are not seen. There is nothing to free.
   *
   * The engine keeps 32 contexts; one whose slot was taken is bound again when it is asked next.
   *
   * @throws {@link EngineError} `INVALID_CONTEXT` when the targeting key, `cohorts` or an attribute that some flag
   * reads has a type that it may not have, or when all texts are too large.
   */
  context(targetingKey?: string | null, attributes?: Attributes): Context;
  /**
   * Decides one flag for one user in a single crossing. Only `cohorts` and the attributes that this flag reads are
   * looked at.
   *
   * @throws {@link EngineError} `INVALID_CONTEXT`, like {@link Snapshot.context}; `INVALID_ARGUMENT` for an id or a
   * time that is none.
   */
  decide(
    flag: FlagId,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): PackedDecision;
  /** Whether a flag is on; `false` for a flag that is not there. Like {@link Snapshot.decide}. */
  isEnabled(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): boolean;
  /** What is served, and why. Like {@link Snapshot.decide}. */
  decision(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): Decision;
  /**
   * The decision that {@link Context.decideAll} has written for a flag. Equal decisions may be the same frozen object.
   */
  decisionOf(flag: FlagId, rule: number, outcome: PackedDecision): Decision;
  /** The breakers of the flags that have an `error_threshold`. */
  readonly breakers: Breakers;
  /** What is counted: decisions, users, outcomes, durations, and what the application names itself. */
  readonly metrics: Metrics;
  /**
   * Which of some flags, as many as `count` from `first` on, are written differently than in another snapshot, or are
   * new. Large snapshots are asked in parts, so that nothing else has to wait.
   */
  changedSince(before: Snapshot, first: FlagId, count: number): readonly FlagId[];
  /**
   * Takes over from the snapshot that was in use before: breakers, external trips, and what was counted. Where a flag's
   * policy is another one, its evidence starts anew. The other snapshot counts nothing any more, and is to be freed.
   */
  follow(before: Snapshot, now: number): readonly Transition[];
  /**
   * Sets the trip of a flag by an operator or the fleet. The trip of its own breaker counts as well: the stricter of
   * both. Takes effect with the next decision, for every context.
   */
  setTrip(flag: FlagId, state: TripState): void;
  /** The trip of a flag. */
  trip(flag: FlagId): TripState;
  /** The trips of all flags, four bytes each, as {@link Compiler.explain} takes them. */
  trips(): Uint8Array;
  /** A copy of the bytes, as they were loaded. */
  bytes(): Uint8Array;
  /** Gives the memory back. May be called twice. */
  free(): void;
}

/** The fleet's trips and generations, by flag key. */
export type FleetState = Readonly<
  Record<
    string,
    {
      /** The state of the fleet's breaker. */
      readonly trip: TripState;
      /** The generation under which the fleet's breaker takes counts as evidence. */
      readonly generation?: number;
    }
  >
>;

/** A user of one snapshot. `now` is in milliseconds since 1970. */
export interface Context {
  /**
   * Decides one flag. An answer that time alone cannot change is remembered until a trip changes; arguments are checked
   * when the engine is asked, not when it is remembered.
   */
  decide(flag: FlagId, now: Time): PackedDecision;
  /**
   * Like {@link Context.decide}, for a user whom the application itself gives `on`, `off` or a variant. Kill switch,
   * breaker and dependencies come first.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` for another value, and for a flag that is not there.
   */
  decideAs(flag: FlagId, serve: string, now: number): PackedDecision;
  /** The cohorts of the document that the user is a member of. */
  cohorts(): readonly string[];
  /** Whether a flag is on; `false` for a flag that is not there. */
  isEnabled(key: string, now: Time): boolean;
  /** Asks the engine for one flag: what is served, and why. Equal decisions may be the same frozen object. */
  decision(key: string, now: Time): Decision;
  /**
   * Decides every flag in one call, into two numbers a flag: the rule (0xffffffff: none) and the
   * {@link PackedDecision}.
   *
   * @param out At least twice {@link Snapshot.flagCount} long; made when left out.
   */
  decideAll(now: number, out?: Uint32Array): Uint32Array;
}

/** What was decided, in OpenFeature's terms. */
export interface Decision {
  /** Whether the feature is on for this user. */
  readonly enabled: boolean;
  /** What is served; `undefined` for an error, where the caller's fallback applies. Objects are frozen. */
  readonly value: JsonValue | undefined;
  /** Name of the variant that is served. */
  readonly variant: string | undefined;
  /** Why, such as `TARGETING_MATCH` or `SPLIT`; the values are listed in `docs/reference/document.md`. */
  readonly reason: string;
  /** Why the flag could not be decided, when the reason is `ERROR`. */
  readonly errorCode: string | undefined;
  /** Name of the rule that applied, if it has one. */
  readonly rule: string | undefined;
  /** The side of the breaker's comparison: `treatment`, `control` or `outside`. */
  readonly arm: string;
}

/** Reads documents, and explains decisions. In browsers a module of its own, so that deciding stays small. */
export interface Compiler {
  /** Version of the compiler. */
  readonly version: string;
  /** Checks and compiles a document, YAML or JSON. Every problem is reported at once; problems are not thrown. */
  compile(text: string): Compiled;
  /**
   * Decides a flag and explains how.
   *
   * @throws {@link EngineError} `INVALID_SNAPSHOT`, `INVALID_CONTEXT`, `INVALID_ARGUMENT`
   */
  explain(question: Question): Explained;
  /** The JSON Schema of documents, as JSON text. */
  schema(): string;
}

/** What became of a document. */
export interface Compiled {
  /** The snapshot; `undefined` when there were errors. */
  readonly snapshot: Uint8Array | undefined;
  /** Errors, warnings and hints, in the order of the document. */
  readonly diagnostics: readonly Diagnostic[];
  /** The diagnostics as text for people, with positions in the document; empty when there are none. */
  readonly report: string;
}

/** A problem of a document. */
export interface Diagnostic {
  /** Stable name of the problem. */
  readonly code: string;
  /** A hint is about a document that is right. */
  readonly severity: 'error' | 'warning' | 'hint';
  /** Where, such as `flags.checkout.rollout.percentage`. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1, in characters. */
  readonly column: number;
  /** The same position as editors count, with its end. */
  readonly range: TextRange;
  /** What is wrong. */
  readonly message: string;
  /** How to fix it. */
  readonly help: string | null;
  /** Edits that fix it, where it is certain what was meant; else empty. Apply all of them or none. */
  readonly fix: readonly Edit[];
}

/** A part of a text, as the Language Server Protocol has it. The end is not part of it. */
export interface TextRange {
  readonly start: TextPosition;
  readonly end: TextPosition;
}

/** A place between two characters of a text. */
export interface TextPosition {
  /** From 0. */
  readonly line: number;
  /** From 0, in units of UTF-16. */
  readonly character: number;
}

/** A change of a document's text. */
export interface Edit {
  /** The first byte that is replaced; positions count bytes of UTF-8, not characters. */
  readonly start: number;
  /** The byte after the last one that is replaced; equal to `start` for an insertion. */
  readonly end: number;
  /** What stands there instead. */
  readonly replacement: string;
}

/** What is to be explained. */
export interface Question {
  readonly snapshot: Uint8Array;
  /** As {@link Snapshot.trips} gives them; nothing has tripped when left out. */
  readonly trips?: Uint8Array | undefined;
  readonly flag: string;
  readonly targetingKey?: string | null | undefined;
  readonly attributes?: Attributes | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}
