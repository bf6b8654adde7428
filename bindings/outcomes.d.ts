/** What is known of features in use: outcomes, the breakers that weigh them, and what is counted. */

import type { Context, EngineError, FlagId, PackedDecision, TripState } from './contract.d.ts';

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
   * The breaker's generation when the flag was decided, as {@link Breakers.report} and transitions have it: an outcome
   * of before a rollback is none of a probe after it. @default that of now
   */
  readonly generation?: number;
}

/**
 * Whose outcomes breakers see: those of all hosts, or those of this one, which trips for itself alone, and with more
 * certainty.
 */
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
 * Breakers: outcomes go in, transitions come out, and what they decide is in force with the next decision. Nothing
 * happens until {@link Breakers.guard} was called.
 *
 * The transitions that a call returns are those of any flag, not only of the one that was named.
 */
export interface Breakers {
  /** Gives each flag with an `error_threshold` a breaker without evidence. */
  guard(scope: Scope, now: number): void;
  /**
   * Takes counted outcomes.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` for what is no count. Counts that cannot be are refused, and counted
   * as such.
   */
  record(flag: FlagId, counts: Counts, now: number): readonly Transition[];
  /**
   * Takes one outcome of a decision, for breaker and metrics both.
   *
   * @param outcome What was decided: its arm and its variant are what counts.
   * @param context Of which user: one counts as at most one success and one failure a minute. Without it every outcome
   * counts.
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
