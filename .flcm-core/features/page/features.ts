import type { CallOutcome, Decision } from '@flcm/flags-web';
import { sleep } from '../clock.ts';
import { captured, servedOr } from '../context.ts';
import { featureError } from '../events.ts';
import { type RunOptions, run } from '../guarded.ts';
import type {
  AnyFlags,
  Attributes,
  FallbackOf,
  FeatureEvents,
  FlagKey,
  FlagShapes,
  ServedOf,
  UserContext,
  VariantOf,
} from '../types.ts';
import type { PageCounts } from './counts.ts';
import type { AnyContext, PageInUse } from './in-use.ts';
import type { PageRemote } from './remote.ts';
import type { Settings } from './settings.ts';

/** The parts of a page's features. */
export interface Parts {
  readonly settings: Settings;
  readonly inUse: PageInUse;
  readonly remote: PageRemote;
  readonly metrics: PageCounts;
}

/** The bit of a packed decision that is set when the feature is on: see `PackedDecision` in the engine's contract. */
const ENABLED = 1 << 24;

/** How long closing waits for the last counts. */
const LAST_WAIT = 2000;

/** A user who is decided for more than once. Follows updates; never throws, never waits. */
export class PageUser<F extends FlagShapes<F> = AnyFlags> {
  /** The user. */
  readonly targetingKey: string | null | undefined;
  readonly #parts: Parts;
  readonly #attributes: Attributes | undefined;
  #context: AnyContext | undefined;
  #version = 0;

  /** Made by `for`. Without attributes nobody is known, and every decision is the fallback. @internal */
  constructor(parts: Parts, targetingKey: string | null | undefined, attributes: Attributes | undefined) {
    this.#parts = parts;
    this.targetingKey = targetingKey;
    this.#attributes = attributes;
  }

  /** Whether the feature is on. */
  isEnabled(flag: FlagKey<F>): boolean {
    return ((this.#outcome(flag) ?? 0) & ENABLED) !== 0;
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
    const { settings, inUse } = this.#parts;
    const bound = this.#bind();
    this.#outcome(flag);
    return (
      this.#try(() => bound?.decision(flag, settings.clock.now())) ??
      undecided(inUse.snapshot ? 'INVALID_CONTEXT' : 'PROVIDER_NOT_READY')
    );
  }

  /**
   * Calls `enabled` where the flag is on, else `fallback`, and counts the outcome. An error of `enabled` counts as a
   * failure, and `fallback` is called instead; an error of `fallback` is the caller's.
   */
  run<T>(flag: FlagKey<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T {
    const { settings, inUse, metrics } = this.#parts;
    const { clock, events } = settings;
    const outcome = this.#outcome(flag);
    const generation = inUse.fleet[flag]?.generation ?? 0;
    const recordOutcome = (_: unknown, { failed = false, durationMs = 0 }: CallOutcome) =>
      metrics.count(flag, outcome ?? 0, generation, failed, Math.round(durationMs));
    const decided = outcome === undefined ? undefined : { enabled: (outcome & ENABLED) !== 0 };
    return run({ clock, events, breaker: { recordOutcome } }, decided, enabled, fallback, options);
  }

  /** Decides, and counts. */
  #outcome(flag: string): number | undefined {
    const { settings, inUse, metrics } = this.#parts;
    const bound = this.#bind();
    const outcome = this.#try(() => bound?.decide(inUse.snapshot?.flag(flag) ?? -1, settings.clock.now()));
    if (outcome !== undefined) metrics.count(flag, outcome);
    return outcome;
  }

  /** Bound to what is in use now. What could not be bound is not tried again before that changes. */
  #bind(): AnyContext | undefined {
    const { snapshot, version } = this.#parts.inUse;
    const attributes = this.#attributes;
    if (this.#version === version || attributes === undefined) return this.#context;
    this.#version = version;
    this.#context = this.#try(() => snapshot?.context(this.targetingKey, attributes));
    return this.#context;
  }

  /** Calls the engine; what it throws is reported. */
  #try<T>(call: () => T): T | undefined {
    const { settings, inUse } = this.#parts;
    const failed = (error: unknown) =>
      settings.events.error(featureError('INVALID_CONTEXT', 'the fallback is served', error));
    try {
      return call();
    } catch (error) {
      // The full engine has room for it, as soon as it is there.
      if ((error as { code?: string }).code === 'TOO_LARGE') inUse.enlarge().catch(failed);
      else failed(error);
      return undefined;
    }
  }
}

/** Decides flags in a page, and keeps them current. Made by `createFeatures`. */
export class PageFeatures<F extends FlagShapes<F> = AnyFlags> {
  /** What is counted. */
  readonly metrics: PageCounts;
  /** Where flags come from. */
  readonly remote: PageRemote;
  readonly #parts: Parts;
  #closed: Promise<void> | undefined;

  /** @internal */
  constructor(parts: Parts) {
    this.#parts = parts;
    this.metrics = parts.metrics;
    this.remote = parts.remote;
  }

  /** What is in use; `undefined` while nothing is. */
  get snapshot(): { readonly digest: string; readonly revision: bigint } | undefined {
    const { snapshot } = this.#parts.inUse;
    return snapshot && { digest: snapshot.digest, revision: snapshot.revision };
  }

  /** Whether a feature is on for a user: `false` for a flag that is not there. Never throws, never waits. */
  isEnabled(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): boolean {
    return this.#user(userId, attributes).isEnabled(flag);
  }

  /** The variant that a user is served; `undefined` without one. */
  variant<K extends FlagKey<F>>(flag: K, userId?: string | null, attributes?: Attributes): VariantOf<F, K> | undefined {
    return this.#user(userId, attributes).variant(flag);
  }

  /** The value that a user is served; the fallback when there is none, or one of another type. */
  value<K extends FlagKey<F>, T extends FallbackOf<F, K>>(
    flag: K,
    fallback: T,
    userId?: string | null,
    attributes?: Attributes,
  ): ServedOf<F, K, T> {
    return this.#user(userId, attributes).value(flag, fallback);
  }

  /** What a user is served, and why. */
  decision(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): Decision {
    return this.#user(userId, attributes).decision(flag);
  }

  /** A user who is decided for more than once, which is several times as fast. Updates of the flags are followed. */
  for(user: UserContext): PageUser<F> {
    try {
      const { targetingKey, ...attributes } = captured(user);
      return new PageUser<F>(this.#parts, targetingKey, attributes);
    } catch (error) {
      const { events } = this.#parts.settings;
      events.error(featureError('INVALID_CONTEXT', 'every decision is the fallback', error));
      return new PageUser<F>(this.#parts, undefined, undefined);
    }
  }

  /** Calls `enabled` where a flag is on for a user, else `fallback`, and counts the outcome. */
  run<T>(flag: FlagKey<F>, user: PageUser<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T {
    return user.run(flag, enabled, fallback, options);
  }

  /** Calls back when something happens; answers how to stop that. What a listener throws is reported as an `error`. */
  on<K extends keyof FeatureEvents>(event: K, listener: (event: FeatureEvents[K]) => void): () => void {
    return this.#parts.settings.events.on(event, listener);
  }

  /** Sends what was counted, and stops: no timer, connection or listener is left. What is in use goes on deciding. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const { settings, metrics, remote } = this.#parts;
    const waiting = new AbortController();
    if (settings.metrics) await Promise.race([metrics.flush(), sleep(settings.clock, LAST_WAIT, waiting.signal)]);
    waiting.abort();
    settings.close();
    await remote.settled;
    settings.events.close();
  }

  #user(userId: string | null | undefined, attributes: Attributes = {}): PageUser<F> {
    return new PageUser<F>(this.#parts, userId, attributes);
  }
}

function undecided(errorCode: string): Decision {
  const nothing = { value: undefined, variant: undefined, rule: undefined };
  return Object.freeze({ enabled: false, reason: 'ERROR', errorCode, arm: 'outside', ...nothing });
}
