/**
 * What a binding exports: {@link EngineBinding}, {@link HotCalls}, {@link CompilerBinding} and
 * {@link AuthoringBinding}. The `.d.ts` files that wasm-bindgen and napi generate are checked against them.
 * `bindings/engine` makes of them what `contract.d.ts` describes.
 */

import type {
  Cohort,
  CohortOutline,
  Compiled,
  Counted,
  Decision,
  Diagnostic,
  Difference,
  DocumentEdit,
  EditAnswer,
  Explained,
  FlagId,
  Outline,
  PackedDecision,
  Scenario,
  Simulation,
  TripState,
} from './contract.d.ts';

/** A snapshot that was loaded: its index and its generation, so that a handle names nothing once it was unloaded. */
export type Handle = number;

/** `undefined` from WebAssembly, `null` from the addon. */
export type Maybe<T> = T | null | undefined;

/** What happened, what is known, or what was counted: text, or from a binding that makes objects of it, those. */
export type Objects = string | readonly object[];

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
  /**
   * The ids of the attributes that a flag reads, and behind them a 1 if time alone may change its decision, else a 0.
   */
  reads(snapshot: Handle, flag: FlagId): Maybe<Uint32Array>;
  /**
   * Rule and {@link PackedDecision} of the decision that everyone gets, whoever they are and whenever they ask, until a
   * trip changes; nothing where that makes a difference. Only the addon has it.
   */
  forEveryone?(snapshot: Handle, flag: FlagId): Maybe<Uint32Array>;
  trip(snapshot: Handle, flag: FlagId): Maybe<string>;
  /** False for an unknown state as well. */
  setTrip(snapshot: Handle, flag: FlagId, state: string): boolean;
  trips(snapshot: Handle): Maybe<Uint8Array>;
  bytes(snapshot: Handle): Maybe<Uint8Array>;
  /**
   * The parts of a decision, a line each: reason, error code, arm, variant, rule (empty where there is none), and the
   * value: `j` and JSON text, `s` and a string, or `d` and the bits of a number in hexadecimal.
   */
  decisionText(snapshot: Handle, flag: FlagId, rule: number, outcome: PackedDecision): Maybe<string | Decision>;
  /**
   * What happened to breakers, what they know, and what was counted is text: a line `name=value` for each property,
   * where the value is `s` and a text, or `d` and the bits of a number in hexadecimal; an empty line ends an object.
   */
  guard(snapshot: Handle, scope: string, now: number): boolean;
  /** Ten counts: generation and age in milliseconds, then total, errors, slow, missing of treatment and of control. */
  record(snapshot: Handle, flag: FlagId, counts: Uint32Array, now: number): Maybe<Objects>;
  poll(snapshot: Handle, now: number): Maybe<Objects>;
  /** What has happened during `outcome`. */
  transitions(snapshot: Handle): Maybe<Objects>;
  nextDeadline(snapshot: Handle): Maybe<number>;
  /** Nothing for an unknown mode as well. */
  setMode(snapshot: Handle, flag: FlagId, mode: string, now: number): Maybe<Objects>;
  acknowledge(snapshot: Handle, flag: FlagId, generation: number, now: number): Maybe<Objects>;
  breaker(snapshot: Handle, flag: FlagId): Maybe<Objects>;
  save(snapshot: Handle, flag: FlagId): Maybe<Uint8Array>;
  /** Throws an `Error` that describes what is wrong with the bytes. */
  restore(snapshot: Handle, flag: FlagId, bytes: Uint8Array): boolean;
  carry(from: Handle, to: Handle, now: number): Maybe<Objects>;
  measure(snapshot: Handle): boolean;
  /** Begins to count, and keeps what is drained for summaries. */
  measureTotals(snapshot: Handle): boolean;
  drain(snapshot: Handle, instance: number, epoch: number, sequence: number): Maybe<Uint8Array>;
  /** Throws an `Error` that describes what is wrong with the bytes. The compact engine does not have it. */
  merge?(snapshot: Handle, bytes: Uint8Array): Maybe<number>;
  /** The summary, then an object for each variant and reason. */
  summary(snapshot: Handle, flag: FlagId): Maybe<Objects>;
  setGeneration(snapshot: Handle, flag: FlagId, generation: number): boolean;
  add(snapshot: Handle, name: string, amount: number): boolean;
  observe(snapshot: Handle, name: string, value: number): boolean;
  /** How many were dropped, then an object for each metric. */
  custom(snapshot: Handle): Maybe<Objects>;
  /**
   * The batch with another age, in milliseconds, and under another name; a negative epoch keeps the name. Throws an
   * `Error`.
   */
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
 * | 34 | u16 | its variant: the lowest 16 bits of what was decided |
 * | 36 | u32 | the breaker's generation when it was decided; 0 for that of now |
 * | 40 | f64 | its duration in milliseconds; not a number when it was not measured |
 * | 64 | | a flag key, a context, or the outcomes of `decideAll` |
 *
 * A context is a list of entries of 16 bytes, the first of which has as its id how many follow: id (i32), kind (i32),
 * then for a number its f64, for a text offset (from byte 64) and length (both i32), for a list the number of its items
 * (i32), which follow as entries. Kinds: 0 absent, 1 false, 2 true, 3 number, 4 text, 5 list. The first entry is the
 * targeting key; an id of -1 is the list of cohorts that the host names. Items have the id -2.
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
  /**
   * Counts the decisions that were written: each is its flag, {@link PackedDecision} and the length of its targeting
   * key (all i32; -1 without one), then the key, filled up to a multiple of four bytes. Only the addon has it.
   */
  countWritten?(): number;
  /**
   * After {@link HotCalls.decideOnce} of the same flag and context: which attributes have a value that alone keeps
   * everyone from the flag's only rule, whatever their other attributes are. A bit for each, in the order of `reads`; 0
   * where that is not why it was decided so. Only the addon has it.
   */
  leftOutBy?(): number;
  /**
   * Takes an outcome of the user in the slot (-1: nobody in particular); answers how much there is to be asked for by
   * `transitions`.
   */
  outcome(): number;
}

/**
 * What a binding exports about documents. What has a structure is JSON text from the addon, and an object from
 * WebAssembly.
 */
export interface CompilerBinding {
  version(): string;
  compile(text: string): CompiledDocument;
  /** `context` is flat JSON text: `{"targetingKey": "alice", "country": "DE"}`. Throws an `Error`. */
  explain(snapshot: Uint8Array, trips: Uint8Array, flag: string, context: string, now: number): string | Explained;
  schema(): string;
}

/** {@link Compiled}, where a binding has it. */
export interface CompiledDocument {
  readonly snapshot?: Maybe<Uint8Array>;
  readonly diagnostics: string | readonly Diagnostic[];
  readonly report: string;
  /** Gives wasm memory back. */
  free?(): void;
}

/**
 * What the compiler's WebAssembly exports for tools that edit documents. What comes in is JSON text; all may throw an
 * `Error`.
 */
export interface AuthoringBinding extends CompilerBinding {
  /** `edits` is a list of {@link DocumentEdit}s. */
  edit(text: string, edits: string): EditAnswer;
  cohorts(text: string): Maybe<readonly Cohort[]>;
  outline(text: string, flag: string): Maybe<Outline>;
  cohortOutline(text: string, cohort: string): Maybe<CohortOutline>;
  /** `states` has a {@link TripState} for each flag key. */
  trips(snapshot: Uint8Array, states: string): Uint8Array;
  Workbench: new (base: string) => WorkbenchBinding;
  /** `scenario` is a {@link Scenario} without its time. */
  Simulator: new (
    snapshot: Uint8Array,
    scenario: string,
    now: number,
  ) => SimulatorBinding;
}

export interface WorkbenchBinding {
  draft(text: string): readonly Diagnostic[];
  readonly snapshot: Maybe<Uint8Array>;
  diff(now: number): Maybe<Difference>;
  count(lines: string): Maybe<Counted>;
  free(): void;
}

export interface SimulatorBinding {
  advance(runs: number, days?: Maybe<number>): Simulation;
  free(): void;
}
