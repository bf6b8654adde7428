import type { CircuitBreaker } from './circuit-breaker.ts';
import type { Clock } from './clock.ts';
import type { CohortManager } from './cohort-manager.ts';
import { type Deciding, FeatureContext } from './context.ts';
import type { Compilers } from './engine.ts';
import { type Events, featureError } from './events.ts';
import type { RunOptions } from './guarded.ts';
import type { InUse } from './in-use.ts';
import type { MetricsCollector } from './metrics-collector.ts';
import type { RemoteConfig } from './remote-config.ts';
import { captured, servedOr } from './served.ts';
import type {
  AnyFlags,
  Attributes,
  Decision,
  Engine,
  Explanation,
  FallbackOf,
  FeatureEvents,
  FlagKey,
  FlagShapes,
  ServedOf,
  UserContext,
  VariantOf,
} from './types.ts';

/** What `createFeatures` has put together. */
export interface Parts {
  readonly engine: Engine;
  readonly inUse: InUse;
  readonly clock: Clock;
  readonly events: Events;
  readonly compilers: Compilers;
  readonly cohorts: CohortManager;
  readonly breaker: CircuitBreaker;
  readonly metrics: MetricsCollector;
  readonly remote: RemoteConfig;
}

/** Decides flags, and keeps them current. Made by `createFeatures`. */
export class FeatureFlagManager<F extends FlagShapes<F> = AnyFlags> {
  /** Who belongs to which cohort, and overrides of single users. */
  readonly cohorts: CohortManager;
  /** Rollbacks. */
  readonly breaker: CircuitBreaker;
  /** What is counted. */
  readonly metrics: MetricsCollector;
  /** Where flags come from. */
  readonly remote: RemoteConfig;
  readonly #engine: Engine;
  readonly #deciding: Deciding;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: Parts) {
    this.#deciding = parts;
    this.#engine = parts.engine;
    this.cohorts = parts.cohorts;
    this.breaker = parts.breaker;
    this.metrics = parts.metrics;
    this.remote = parts.remote;
  }

  /** Which engine decides: `native` or `wasm`. */
  get engine(): Engine['name'] {
    return this.#engine.name;
  }

  /** What is in use; `undefined` while nothing is. */
  get snapshot():
    | {
        /** The same everywhere for the same document. */
        readonly digest: string;
        /** The document's; 0 when it has none. */
        readonly revision: bigint;
        /** The keys of all flags. */
        readonly flags: readonly string[];
        /** The attributes that some flag reads. */
        readonly attributes: readonly string[];
      }
    | undefined {
    const { snapshot } = this.#deciding.inUse;
    if (snapshot === undefined) return undefined;
    const { digest, revision, attributes, flagCount } = snapshot;
    const flags = Array.from({ length: flagCount }, (_, flag) => snapshot.flagKey(flag) ?? '');
    return { digest, revision, flags, attributes };
  }

  /** What the percentages of a flag are drawn with; `undefined` for a flag that is not there. */
  salt(flag: FlagKey<F>): string | undefined {
    const { snapshot } = this.#deciding.inUse;
    return snapshot?.flagSalt(snapshot.flag(flag));
  }

  /** Whether a flag serves everyone the same at any time, but for its breaker. */
  isStatic(flag: FlagKey<F>): boolean {
    const { snapshot } = this.#deciding.inUse;
    return snapshot?.isStatic(snapshot.flag(flag)) ?? false;
  }

  /** Whether a feature is on for a user: `false` for a flag that is not there. Never throws, never waits. */
  isEnabled(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): boolean {
    const { inUse, cohorts, clock, events } = this.#deciding;
    const { deciding: snapshot } = inUse;
    if (snapshot === undefined) return false;
    if (!cohorts.isIdle) return this.#context(userId, attributes).isEnabled(flag);
    try {
      return snapshot.isEnabled(flag, userId, attributes, clock);
    } catch (error) {
      events.error(featureError('INVALID_CONTEXT', 'the feature is off', error));
      return false;
    }
  }

  /** The variant that a user is served; `undefined` without one. */
  variant<K extends FlagKey<F>>(flag: K, userId?: string | null, attributes?: Attributes): VariantOf<F, K> | undefined {
    return this.decision(flag, userId, attributes).variant as VariantOf<F, K> | undefined;
  }

  /** The value that a user is served; the fallback when there is none, or one of another type. */
  value<K extends FlagKey<F>, T extends FallbackOf<F, K>>(
    flag: K,
    fallback: T,
    userId?: string | null,
    attributes?: Attributes,
  ): ServedOf<F, K, T> {
    return servedOr(fallback, this.decision(flag, userId, attributes)) as ServedOf<F, K, T>;
  }

  /** What a user is served, and why. */
  decision(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): Decision {
    const { inUse, cohorts, clock } = this.#deciding;
    const { deciding: snapshot } = inUse;
    // What cannot be decided at once is left to a context, which reports what is wrong.
    if (snapshot === undefined || !cohorts.isIdle) return this.#context(userId, attributes).decision(flag);
    try {
      return snapshot.decision(flag, userId, attributes, clock);
    } catch {
      return this.#context(userId, attributes).decision(flag);
    }
  }

  /** What a user is served, and all that led to it. */
  explain(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): Explanation {
    return this.#context(userId, attributes).explain(flag);
  }

  /** Every flag for a user, by key. Is not counted. */
  decideAll(userId?: string | null, attributes?: Attributes): Record<FlagKey<F>, Decision> {
    return this.#context(userId, attributes).decideAll();
  }

  /**
   * A user who is decided for more than once, which is several times as fast. What is read of the attributes is
   * captured; updates of the flags are followed.
   */
  for(user: UserContext): FeatureContext<F> {
    try {
      const { targetingKey, ...attributes } = captured(user);
      return new FeatureContext<F>(this.#deciding, targetingKey, attributes);
    } catch (error) {
      this.#deciding.events.error(featureError('INVALID_CONTEXT', 'every decision is the fallback', error));
      return new FeatureContext<F>(this.#deciding, undefined, undefined);
    }
  }

  /**
   * Calls `enabled` where a flag is on for a user, else `fallback`, and records the outcome with the breaker. An error
   * of `enabled` counts as a failure, and `fallback` is called instead.
   */
  run<T>(flag: FlagKey<F>, user: FeatureContext<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T {
    return user.run(flag, enabled, fallback, options);
  }

  /** Calls back when something happens; answers how to stop that. What a listener throws is reported as an `error`. */
  on<K extends keyof FeatureEvents>(event: K, listener: (event: FeatureEvents[K]) => void): () => void {
    return this.#deciding.events.on(event, listener);
  }

  /**
   * Sends what was counted, stores what is to survive, and stops: no timer, connection or listener is left. What is in
   * use goes on deciding.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { inUse, events } = this.#deciding;
    inUse.close();
    await this.remote.close();
    await this.metrics.close();
    await this.breaker.close();
    events.close();
  }

  #context(userId: string | null | undefined, attributes?: Attributes | null): FeatureContext<F> {
    return new FeatureContext<F>(this.#deciding, userId, attributes ?? {});
  }
}
