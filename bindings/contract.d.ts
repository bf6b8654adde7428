/**
 * The engine, as everything written in JavaScript sees it.
 *
 * Two layers. {@link Engine}, {@link Snapshot}, {@link Context} and {@link Compiler} are what applications and the runtime
 * use; they are implemented once, in `bindings/engine`, and are the same for every engine. {@link EngineBinding}, {@link HotCalls}
 * and {@link CompilerBinding} are what a binding exports; the `.d.ts` files that wasm-bindgen and napi generate are checked
 * against them. No rule, hash or reason is known on this side: the core decides, and gives the reason as text.
 */

/** What a context may carry. `null` and `undefined` are the same as an attribute that is left out. */
export type AttributeValue = boolean | number | string | readonly string[] | null | undefined;

/** Attributes by name: the own properties of an object. `cohorts`, a list of strings, names the cohorts that the host puts this user in. */
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
  /** Which implementation decides: the native addon or WebAssembly. */
  readonly name: 'native' | 'wasm';
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
 * Bits 0 to 15 are the variant (0xffff: none), 16 to 23 the reason, then one bit each for enabled (24), serving something
 * (25), serving on (26), treatment (27) and control (28): the feature is on when `outcome & (1 << 24)` is not 0. The
 * texts of a reason come with {@link Snapshot.decisionOf}.
 */
export type PackedDecision = number;

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
   * @throws {@link EngineError} `INVALID_CONTEXT` when the targeting key, `cohorts` or an attribute that some flag reads has
   * a type that it may not have, or when all texts are too large.
   */
  context(targetingKey?: string | null, attributes?: Attributes): Context;
  /**
   * Decides one flag for one user in a single crossing. Only `cohorts` and the attributes that this flag reads are looked
   * at.
   *
   * @throws {@link EngineError} `INVALID_CONTEXT`, like {@link Snapshot.context}; `INVALID_ARGUMENT` for an id or a time that
   * is none.
   */
  decide(
    flag: FlagId,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
  ): PackedDecision;
  /** Whether a flag is on; `false` for a flag that is not there. Like {@link Snapshot.decide}. */
  isEnabled(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
  ): boolean;
  /** What is served, and why. Like {@link Snapshot.decide}. */
  decision(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
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
   * Which of some flags, as many as `count` from `first` on, are written differently than in another snapshot, or are new.
   * Large snapshots are asked in parts, so that nothing else has to wait.
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

/** Outcomes of one arm, counted. No part is larger than the total, nor are `errors` and `missing` together. */
export interface Sample {
  /** Outcomes that are settled. */
  readonly total: number;
  /** Those that failed. */
  readonly errors: number;
  /** Those that took longer than the policy's `slow_ms`. */
  readonly slow: number;
  /** Those that were never reported, which counts as a failure. */
  readonly missing: number;
}

/** Outcomes of both arms. */
export interface Counts {
  /** The breaker's generation under which the flag was decided: outcomes of an older one are no evidence. */
  readonly generation: number;
  /** For how long they were held back, in milliseconds. @default 0 */
  readonly ageMs?: number;
  /** Users who were served the feature by a percentage. */
  readonly treatment?: Partial<Sample>;
  /** Users who were eligible, and left out by the percentage alone. */
  readonly control?: Partial<Sample>;
}

/** How a feature turned out for one user. */
export interface CallOutcome {
  /** @default false */
  readonly failed?: boolean;
  /** Nobody has reported it, and nobody will. @default false */
  readonly missing?: boolean;
  readonly durationMs?: number | undefined;
  /**
   * The breaker's generation when the flag was decided, as {@link Breakers.report} and transitions have it: an outcome of before
   * a rollback is none of a probe after it. @default that of now
   */
  readonly generation?: number;
}

/** Whose outcomes breakers see: those of all hosts, or those of this one, which trips for itself alone, and with more certainty. */
export type Scope = 'fleet' | 'host';

/**
 * The mode that an operator gives a breaker: it decides; off; as usual whatever happens; as usual, and report what
 * would have been.
 */
export type BreakerMode = 'auto' | 'held' | 'forced_closed' | 'observe';

/** What a breaker knows: outcomes of the policy's window, the statistics, and what they must reach for a rollback. */
export interface BreakerEvidence extends Sample {
  readonly controlTotal: number;
  readonly controlErrors: number;
  readonly controlSlow: number;
  readonly controlMissing: number;
  /** Evidence of errors against the threshold. */
  readonly absolute: number;
  /** Evidence of errors against the control. */
  readonly relative: number;
  readonly slowAbsolute: number;
  readonly slowRelative: number;
  readonly limit: number;
  /** What evidence is divided by because errors come in bursts; 1 when they do not. */
  readonly spread: number;
}

/** A breaker as it is. */
export interface BreakerReport extends BreakerEvidence {
  readonly state: string;
  readonly mode: BreakerMode;
  readonly trip: TripState;
  readonly generation: number;
  /** How often the clock went back, and was not believed. */
  readonly clockBack: number;
  /** How often counts were refused because they cannot be. */
  readonly refused: number;
}

/**
 * Something that happened to a breaker, with all that explains it. The values are listed in
 * `docs/reference/rollback.md`.
 */
export interface Transition extends BreakerEvidence {
  readonly flag: FlagId;
  /** What happened, such as `tripped`, `half_opened` or `recovered`. */
  readonly event: string;
  /** Why, such as `relative`, `shared` or `missing`. */
  readonly cause?: string;
  /** `closed`, `open` or `half_open`. */
  readonly from: string;
  readonly to: string;
  readonly mode: BreakerMode;
  readonly generation: number;
  /** Counts the events of the flag: with the flag's key the event's name. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly attempt: number;
  /** Rollbacks within a day. */
  readonly trips: number;
  /** Share of users who had the feature before and after, in percent. */
  readonly percentBefore: number;
  readonly percentAfter: number;
  /** What the flag waits for: `nothing`, `probe`, `acknowledge` or `release`. */
  readonly next: string;
  /** Milliseconds since 1970, with `probe`. */
  readonly nextAt?: number;
  /** A line for people: what happened to the flag, by what evidence, and what comes next. */
  readonly text: string;
  /** The same for each attempt to deliver it: `flag-generation-sequence-time`, fit for a header. */
  readonly id: string;
  /** 1 if it is worth a notification, because exposure changes or a person is waited for; else 0. */
  readonly notable: number;
}

/**
 * Breakers: outcomes go in, transitions come out, and what they decide is in force with the next decision. Nothing happens until
 * {@link Breakers.guard} was called.
 *
 * The transitions that a call returns are those of any flag, not only of the one that was named.
 */
export interface Breakers {
  /** Gives each flag with an `error_threshold` a breaker without evidence. */
  guard(scope: Scope, now: number): void;
  /**
   * Takes counted outcomes.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` for what is no count. Counts that cannot be are refused, and counted as such.
   */
  record(flag: FlagId, counts: Counts, now: number): readonly Transition[];
  /**
   * Takes one outcome of a decision, for breaker and metrics both.
   *
   * @param outcome What was decided: its arm is what counts.
   * @param context Of which user: one counts as at most one success and one failure a minute. Without it every outcome counts.
   */
  outcome(
    flag: FlagId,
    outcome: PackedDecision,
    call: CallOutcome,
    now: number,
    context?: Context,
  ): readonly Transition[];
  /** Lets time pass: call it when {@link Breakers.nextDeadline} has come, or every second. */
  poll(now: number): readonly Transition[];
  /** Milliseconds since 1970; `undefined` when there is nothing to wait for. */
  nextDeadline(): number | undefined;
  /** Holds a flag off, lets it go, or only observes it. */
  setMode(flag: FlagId, mode: BreakerMode, now: number): readonly Transition[];
  /** Lets a flag go on that was rolled back under this generation. */
  acknowledge(flag: FlagId, generation: number, now: number): readonly Transition[];
  /** `undefined` for a flag without a breaker. */
  report(flag: FlagId): BreakerReport | undefined;
  /** A breaker as bytes, to be stored across a restart. */
  save(flag: FlagId): Uint8Array | undefined;
  /**
   * Restores a stored breaker; `false` for a flag without one. Where it was stored under another policy, its evidence
   * starts anew: that is `configured` among the transitions of the next call.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when the bytes are no breaker; the one in use stays.
   */
  restore(flag: FlagId, bytes: Uint8Array): boolean;
}

/** Distinguishes a batch from all others, so that it is added once however often it arrives: integers up to 2^53. */
export interface BatchName {
  /** The host. */
  readonly instance: number;
  /** Its start: another one after each restart. */
  readonly epoch: number;
  /** From 1, without a gap. */
  readonly sequence: number;
}

/** A histogram in a few numbers; quantiles within 3.2 %. */
export interface Values {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly min: number;
  readonly max: number;
}

/** Decisions for one variant and reason. */
export interface Tally {
  readonly variant?: string;
  readonly reason: string;
  readonly count: number;
}

/** What was counted of a flag: outcomes by arm, and durations in milliseconds. */
export interface FlagSummary extends Sample, Values {
  readonly decisions: number;
  /** Different users, within 2.3 % (standard error). */
  readonly users: number;
  /** Failures of all treated outcomes, from 0 to 1. */
  readonly errorRate: number;
  readonly controlErrorRate: number;
  readonly controlTotal: number;
  readonly controlErrors: number;
  readonly controlSlow: number;
  readonly controlMissing: number;
  readonly outsideTotal: number;
  readonly outsideErrors: number;
  readonly outsideSlow: number;
  readonly outsideMissing: number;
  readonly tallies: readonly Tally[];
}

/** A metric that the application names: a counter has an `amount`, a histogram the rest. */
export interface NamedMetric extends Partial<Values> {
  readonly name: string;
  readonly amount?: number;
}

/** All of them. */
export interface CustomMetrics {
  /** Additions that were refused: for want of room, or because the name is none. */
  readonly dropped: number;
  readonly metrics: readonly NamedMetric[];
}

/** What is counted of a snapshot. Nothing is until {@link Metrics.start} was called. `decideAll` is not counted. */
export interface Metrics {
  /** Begins to count. @param totals Whether what is drained stays in summaries. @default false */
  start(totals?: boolean): void;
  /** Takes all that was counted as a batch of bytes, and forgets it; `undefined` when nothing was counted. */
  drain(name: BatchName): Uint8Array | undefined;
  /**
   * Adds a batch; answers how many of its decisions name flags or variants that are not here.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when the bytes are no batch; nothing of them was added.
   */
  merge(bytes: Uint8Array): number;
  /** What was counted of a flag: since the start where totals are held, else since it was drained. */
  summary(flag: FlagId): FlagSummary | undefined;
  /**
   * The same batch, held back for so long: evidence is weighed by the time at which it was counted.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when the bytes are no batch, or the age is not from 0 to 2^32 ms.
   */
  aged(batch: Uint8Array, ageMs: number): Uint8Array;
  /**
   * The same counts under another name, because the server has lost count of this host.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when the bytes are no batch, or the name is none.
   */
  renamed(batch: Uint8Array, name: BatchName): Uint8Array;
  /** The generation of the fleet's breaker, under which outcomes are evidence for it. */
  setGeneration(flag: FlagId, generation: number): void;
  /** Adds to a counter; `false`, and counted as dropped, for a name that is none or one too many. @default 1 */
  add(name: string, amount?: number): boolean;
  /** Adds a value from 0 on to a histogram; exact within 3.2 % from 0.008 to 131,072. */
  observe(name: string, value: number): boolean;
  /** Like {@link Metrics.summary}, of what the application names. */
  custom(): CustomMetrics;
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
  decide(flag: FlagId, now: number): PackedDecision;
  /** The answer of {@link Context.decide}, if it is remembered; else -1. It is counted like any other. */
  remembered(flag: FlagId): PackedDecision | -1;
  /**
   * Like {@link Context.decide}, for a user whom the application itself gives `on`, `off` or a variant. Kill switch, breaker and
   * dependencies come first.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` for another value, and for a flag that is not there.
   */
  decideAs(flag: FlagId, serve: string, now: number): PackedDecision;
  /** The cohorts of the document that the user is a member of. */
  cohorts(): readonly string[];
  /** Whether a flag is on; `false` for a flag that is not there. */
  isEnabled(key: string, now: number): boolean;
  /** Asks the engine for one flag: what is served, and why. Equal decisions may be the same frozen object. */
  decision(key: string, now: number): Decision;
  /**
   * Decides every flag in one call, into two numbers a flag: the rule (0xffffffff: none) and the {@link PackedDecision}.
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

/** How a decision came about. */
export interface Explained {
  /** As a tree of checks; the shape is that of `flcm decide --json --explain`. */
  readonly explanation: JsonValue;
  /** As lines of text. */
  readonly text: string;
}

// ---------------------------------------------------------------------------------------------------------------------
// What a binding exports.

/** A snapshot that was loaded: its index and its generation, so that a handle names nothing once it was unloaded. */
export type Handle = number;

/** `undefined` from WebAssembly, `null` from the addon. */
export type Maybe<T> = T | null | undefined;

/** The calls that may take their time. What is asked of a handle that names nothing is nothing or `false`. */
export interface EngineBinding {
  /** Version of the core. */
  version(): string;
  /**
   * Takes a snapshot in; -1 when there is no room for it. Throws an `Error` that describes what is wrong with the
   * bytes.
   */
  load(bytes: Uint8Array): Handle;
  /** Lets a snapshot go. */
  unload(snapshot: Handle): boolean;
  revision(snapshot: Handle): Maybe<bigint>;
  /** 16 hexadecimal digits. */
  digest(snapshot: Handle): Maybe<string>;
  flagCount(snapshot: Handle): Maybe<number>;
  /** The name of an attribute that some flag reads; their ids run from 0. */
  attribute(snapshot: Handle, id: number): Maybe<string>;
  flagKey(snapshot: Handle, flag: FlagId): Maybe<string>;
  flagSalt(snapshot: Handle, flag: FlagId): Maybe<string>;
  isStatic(snapshot: Handle, flag: FlagId): Maybe<boolean>;
  /** The ids of the attributes that a flag reads, and behind them a 1 if time alone may change its decision, else a 0. */
  reads(snapshot: Handle, flag: FlagId): Maybe<Uint32Array>;
  trip(snapshot: Handle, flag: FlagId): Maybe<string>;
  /** False for an unknown state as well. */
  setTrip(snapshot: Handle, flag: FlagId, state: string): boolean;
  trips(snapshot: Handle): Maybe<Uint8Array>;
  bytes(snapshot: Handle): Maybe<Uint8Array>;
  /**
   * The parts of a decision, a line each: reason, error code, arm, variant, rule (empty where there is none), and the
   * value: `j` and JSON text, `s` and a string, or `d` and the bits of a number in hexadecimal.
   */
  decisionText(snapshot: Handle, flag: FlagId, rule: number, outcome: PackedDecision): Maybe<string>;
  /**
   * What happened to breakers, what they know, and what was counted is text: a line `name=value` for each property, where
   * the value is `s` and a text, or `d` and the bits of a number in hexadecimal; an empty line ends an object.
   */
  guard(snapshot: Handle, scope: string, now: number): boolean;
  /** Ten counts: generation and age in milliseconds, then total, errors, slow, missing of treatment and of control. */
  record(snapshot: Handle, flag: FlagId, counts: Uint32Array, now: number): Maybe<string>;
  poll(snapshot: Handle, now: number): Maybe<string>;
  /** What has happened during `outcome`. */
  transitions(snapshot: Handle): Maybe<string>;
  nextDeadline(snapshot: Handle): Maybe<number>;
  /** Nothing for an unknown mode as well. */
  setMode(snapshot: Handle, flag: FlagId, mode: string, now: number): Maybe<string>;
  acknowledge(snapshot: Handle, flag: FlagId, generation: number, now: number): Maybe<string>;
  breaker(snapshot: Handle, flag: FlagId): Maybe<string>;
  save(snapshot: Handle, flag: FlagId): Maybe<Uint8Array>;
  /** Throws an `Error` that describes what is wrong with the bytes. */
  restore(snapshot: Handle, flag: FlagId, bytes: Uint8Array): boolean;
  carry(from: Handle, to: Handle, now: number): Maybe<string>;
  measure(snapshot: Handle): boolean;
  /** Begins to count, and keeps what is drained for summaries. */
  measureTotals(snapshot: Handle): boolean;
  drain(snapshot: Handle, instance: number, epoch: number, sequence: number): Maybe<Uint8Array>;
  /** Throws an `Error` that describes what is wrong with the bytes. */
  merge(snapshot: Handle, bytes: Uint8Array): Maybe<number>;
  /** The summary, then an object for each variant and reason. */
  summary(snapshot: Handle, flag: FlagId): Maybe<string>;
  setGeneration(snapshot: Handle, flag: FlagId, generation: number): boolean;
  add(snapshot: Handle, name: string, amount: number): boolean;
  observe(snapshot: Handle, name: string, value: number): boolean;
  /** How many were dropped, then an object for each metric. */
  custom(snapshot: Handle): Maybe<string>;
  /** The batch with another age, in milliseconds, and under another name; a negative epoch keeps the name. Throws an `Error`. */
  withHeader(batch: Uint8Array, age: number, instance: number, epoch: number, sequence: number): Uint8Array;
  /** The outcome for the context in a slot, with the override `on`, `off` or a variant. Nothing for another value. */
  decideAs(snapshot: Handle, slot: number, flag: FlagId, serve: string, now: number): Maybe<PackedDecision>;
  /** The names of the cohorts that the user in a slot is a member of, each followed by a line feed. */
  cohorts(snapshot: Handle, slot: number): Maybe<string>;
  /** For each of some flags 1 if it is written differently than in another snapshot, or is not there, else 0. */
  changed(snapshot: Handle, before: Handle, first: FlagId, count: number): Maybe<Uint8Array>;
}

/**
 * The calls that must be fast. Arguments are read from the shared memory, so that nothing is converted; little-endian:
 *
 * | byte | type | |
 * |---|---|---|
 * | 0 | i32 | snapshot: its {@link Handle} |
 * | 4 | i32 | slot: 0 to 31, which holds a bound context |
 * | 8 | i32 | flag: its {@link FlagId} |
 * | 12 | i32 | length: bytes from 64 on that were written |
 * | 16 | f64 | now: milliseconds since 1970 |
 * | 24 | u32, u32 | what was decided: rule and {@link PackedDecision} |
 * | 32 | u8 | arm of an outcome: bits 27 and 28 of what was decided |
 * | 33 | u8 | 1 it failed, 2 it is missing |
 * | 36 | u32 | the breaker's generation when it was decided; 0 for that of now |
 * | 40 | f64 | its duration in milliseconds; not a number when it was not measured |
 * | 64 | | a flag key, a context, or the outcomes of `decideAll` |
 *
 * A context is a list of entries of 16 bytes, the first of which has as its id how many follow: id (i32), kind (i32), then for a number its f64, for a text offset (from
 * byte 64) and length (both i32), for a list the number of its items (i32), which follow as entries. Kinds: 0 absent,
 * 1 false, 2 true, 3 number, 4 text, 5 list. The first entry is the targeting key; an id of -1 is the list of cohorts that
 * the host names.
 *
 * A negative answer is an error: -1 the handle names nothing, -2 no context is bound in the slot, -3 what was written
 * cannot be read, -4 memory is full.
 */
export interface HotCalls {
  /** The id of the flag whose key was written, or -1 (for a freed handle as well). */
  flag(): number;
  /** Binds the context that was written, and keeps it in the slot. */
  bind(): number;
  /** Decides a flag for the context in the slot; answers the {@link PackedDecision}. */
  decide(): number;
  /** Decides a flag for the context that was written, which is not bound. */
  decideOnce(): number;
  /** Decides every flag for the context in the slot; answers how many there are. */
  decideAll(): number;
  /** Counts a decision that was remembered for the context in the slot, `length` times. */
  count(): number;
  /** Takes an outcome of the user in the slot (-1: nobody in particular); answers how much there is to be asked for by `transitions`. */
  outcome(): number;
}

/** What a binding exports about documents. Texts are JSON where TypeScript's side has objects. */
export interface CompilerBinding {
  version(): string;
  compile(text: string): CompiledText;
  /** `context` is flat: `{"targetingKey": "alice", "country": "DE"}`. Answers `{"explanation": …, "text": …}`. Throws an `Error`. */
  explain(snapshot: Uint8Array, trips: Uint8Array, flag: string, context: string, now: number): string;
  schema(): string;
}

/** {@link Compiled}, the diagnostics as JSON text. */
export interface CompiledText {
  readonly snapshot?: Maybe<Uint8Array>;
  readonly diagnostics: string;
  readonly report: string;
  /** Gives wasm memory back. */
  free?(): void;
}
