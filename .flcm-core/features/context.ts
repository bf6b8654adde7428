import type { Context, Explained, FlagId, PackedDecision, Snapshot } from '@flcm/flags-web';
import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Clock } from './clock.ts';
import type { CohortManager, OverridesOfUser } from './cohort-manager.ts';
import type { Compilers } from './engine.ts';
import { type Events, featureError } from './events.ts';
import { type RunOptions, run } from './guarded.ts';
import type { InUse } from './in-use.ts';
import { servedOr, undecided } from './served.ts';
import type {
  AnyFlags,
  Attributes,
  Decision,
  Explanation,
  FallbackOf,
  FlagKey,
  FlagShapes,
  ServedOf,
  VariantOf,
} from './types.ts';

/** What a context decides with. */
export interface Deciding {
  readonly inUse: InUse;
  readonly clock: Clock;
  readonly events: Events;
  readonly cohorts: CohortManager;
  readonly breaker: CircuitBreaker;
  readonly compilers: Compilers;
}

/** A context as the engine has bound it, under one version of everything. */
interface Bound {
  readonly version: number;
  readonly snapshot: Snapshot;
  readonly context: Context;
  readonly overrides: OverridesOfUser | undefined;
}

/** The rule of a decision that none has made. */
const NO_RULE = 0xffffffff;

/** The bit of a packed decision that is set when the feature is on: see `PackedDecision` in the engine's contract. */
const ENABLED = 1 << 24;

/** What is served when there is nothing to decide with. */
const NOT_READY: Decision = undecided('PROVIDER_NOT_READY');

/** What is served to a user who cannot be read. */
const UNREADABLE: Decision = undecided('INVALID_CONTEXT');

/** A user who is decided for more than once. Follows updates; never throws, never waits. */
export class FeatureContext<F extends FlagShapes<F> = AnyFlags> {
  /** The user. */
  readonly targetingKey: string | null | undefined;
  readonly #deciding: Deciding;
  readonly #attributes: Attributes | undefined;
  #bound: Bound | undefined;
  /** The version under which the context could not be bound: it is not tried again before that changes. */
  #refused = -1;

  /** Made by `for`. Without attributes nobody is known, and every decision is the fallback. @internal */
  constructor(deciding: Deciding, targetingKey: string | null | undefined, attributes: Attributes | undefined) {
    this.#deciding = deciding;
    this.targetingKey = targetingKey;
    this.#attributes = attributes;
  }

  /** Whether the feature is on. */
  isEnabled(flag: FlagKey<F>): boolean {
    const bound = this.#bind();
    if (bound === undefined) return false;
    try {
      return (this.#outcome(bound, bound.snapshot.flag(flag), flag) & ENABLED) !== 0;
    } catch (error) {
      this.#failed(error);
      return false;
    }
  }

  /** The variant that is served; `undefined` without one. */
  variant<K extends FlagKey<F>>(flag: K): VariantOf<F, K> | undefined {
    return this.decision(flag).variant as VariantOf<F, K> | undefined;
  }

  /** The value that is served; the fallback when there is none, or when it is of another type than the fallback. */
  value<K extends FlagKey<F>, T extends FallbackOf<F, K>>(flag: K, fallback: T): ServedOf<F, K, T> {
    return servedOr(fallback, this.decision(flag)) as ServedOf<F, K, T>;
  }

  /** What is served, and why. */
  decision(flag: FlagKey<F>): Decision {
    const bound = this.#bind();
    if (bound === undefined) return this.#deciding.inUse.deciding ? UNREADABLE : NOT_READY;
    return this.#try(() => this.#decide(bound, flag)) ?? UNREADABLE;
  }

  /** Every flag, by key. Is not counted. */
  decideAll(): Record<FlagKey<F>, Decision> {
    const bound = this.#bind();
    const decisions = bound && this.#try(() => this.#decideAll(bound));
    return Object.fromEntries(decisions ?? []) as Record<FlagKey<F>, Decision>;
  }

  /** What is served, and all that led to it. */
  explain(flag: FlagKey<F>): Explanation {
    const { deciding: snapshot } = this.#deciding.inUse;
    const decision = this.decision(flag);
    const known = snapshot && decision !== UNREADABLE && snapshot.flag(flag) >= 0;
    const explained = known ? this.#try(() => this.#explained(snapshot, flag)) : undefined;
    return {
      ...decision,
      flag,
      snapshot: snapshot?.digest,
      revision: snapshot?.revision,
      trip: known ? snapshot.trip(snapshot.flag(flag)) : undefined,
      text: explained?.text,
      tree: explained?.explanation,
    };
  }

  /**
   * Calls `enabled` where the flag is on, else `fallback`, and records the outcome with the breaker and the metrics. An
   * error of `enabled` counts as a failure, and `fallback` is called instead; an error of `fallback` is the caller's.
   */
  run<T>(flag: FlagKey<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T {
    return run(this.#deciding, this.#decided(flag), enabled, fallback, options);
  }

  /** Records how a feature went that was not called through {@link run}. */
  record(flag: FlagKey<F>, call: { failed: boolean; durationMs?: number | undefined }): void {
    const decided = this.#decided(flag);
    if (decided) this.#deciding.breaker.recordOutcome(decided, call);
  }

  #decided(flag: string): Decided | undefined {
    const bound = this.#bind();
    return bound && this.#try(() => this.#decidedBy(bound, flag));
  }

  #decidedBy(bound: Bound, flag: string): Decided {
    const id = bound.snapshot.flag(flag);
    const outcome = this.#outcome(bound, id, flag);
    const generation = this.#deciding.breaker.generation(id);
    return { key: flag, flag: id, outcome, enabled: (outcome & ENABLED) !== 0, generation, bound };
  }

  #decide(bound: Bound, flag: string): Decision {
    const { snapshot, context, overrides } = bound;
    const { clock } = this.#deciding;
    const id = snapshot.flag(flag);
    const overridden = overrides && this.#overridden(bound, overrides, id, flag, clock.now());
    return overridden === undefined ? context.decision(flag, clock) : snapshot.decisionOf(id, NO_RULE, overridden);
  }

  #decideAll(bound: Bound): [string, Decision][] {
    const { snapshot, context, overrides } = bound;
    const all = context.decideAll(this.#deciding.clock.now());
    return Array.from({ length: snapshot.flagCount }, (_, flag) => {
      const key = snapshot.flagKey(flag) ?? '';
      if (overrides?.has(key)) return [key, this.#decide(bound, key)];
      return [key, snapshot.decisionOf(flag, all[2 * flag] ?? NO_RULE, all[2 * flag + 1] ?? 0)];
    });
  }

  #explained(snapshot: Snapshot, flag: string): Explained | undefined {
    const { cohorts, clock, compilers } = this.#deciding;
    const attributes = cohorts.complete(this.targetingKey, this.#attributes ?? {});
    const asked = { flag, targetingKey: this.targetingKey, attributes, now: clock.now() };
    return compilers.loaded?.explain({ snapshot: snapshot.bytes(), trips: snapshot.trips(), ...asked });
  }

  #outcome(bound: Bound, flag: FlagId, key: string): PackedDecision {
    const { context, overrides } = bound;
    const { clock } = this.#deciding;
    const overridden = overrides && this.#overridden(bound, overrides, flag, key, clock.now());
    return overridden ?? context.decide(flag, clock);
  }

  /** The override of this user for a flag, if it has not expired. */
  #overridden(
    bound: Bound,
    overrides: OverridesOfUser,
    flag: FlagId,
    key: string,
    now: number,
  ): PackedDecision | undefined {
    const override = overrides.get(key);
    if (override === undefined || override.expiresAt <= now || flag < 0) return undefined;
    return this.#try(() => bound.context.decideAs(flag, override.serve, now));
  }

  /** Bound to what is in use now. */
  #bind(): Bound | undefined {
    const { inUse } = this.#deciding;
    if (this.#bound?.version === inUse.version) return this.#bound;
    const { deciding } = inUse;
    if (deciding === undefined || this.#refused === inUse.version) return undefined;
    this.#bound = this.#boundAnew(deciding, inUse.version);
    if (this.#bound === undefined) this.#refused = inUse.version;
    return this.#bound;
  }

  #boundAnew(snapshot: Snapshot, version: number): Bound | undefined {
    const { cohorts } = this.#deciding;
    const attributes = this.#attributes;
    if (attributes === undefined) return undefined;
    return this.#try(() => {
      const context = snapshot.context(this.targetingKey, cohorts.complete(this.targetingKey, attributes));
      return { version, snapshot, context, overrides: cohorts.overridesOf(this.targetingKey) };
    });
  }

  /** Calls the engine; what it throws is reported. */
  #try<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #failed(error: unknown): void {
    this.#deciding.events.error(featureError('INVALID_CONTEXT', 'the fallback is served', error));
  }
}

/** A decision whose outcome is to be recorded. */
export interface Decided {
  readonly key: string;
  readonly flag: FlagId;
  readonly outcome: PackedDecision;
  readonly enabled: boolean;
  /** Of the breaker, when it was decided. */
  readonly generation: number;
  readonly bound: Pick<Bound, 'snapshot' | 'context'>;
}
