import type { CallOutcome, Decision, PageContext, PageSnapshot } from '@flcm/flags-web';
import { featureError } from '../events.ts';
import { type RunOptions, run } from '../guarded.ts';
import { captured, servedOr, undecided } from '../served.ts';
import type {
  AnyFlags,
  Attributes,
  FallbackOf,
  FlagKey,
  FlagShapes,
  JsonValue,
  ServedOf,
  UserContext,
  VariantOf,
} from '../types.ts';
import type { Counts, Row } from './counts.ts';
import type { Listen } from './events.ts';
import type { InUse } from './in-use.ts';
import type { Life } from './life.ts';
import type { PageRemote } from './remote.ts';

/** The bit of a packed decision that is set when the feature is on: see `PackedDecision` in the engine's contract. */
const ENABLED = 1 << 24;

/** How long closing waits for the last counts. */
const LAST_WAIT = 2000;

/** What is counted. */
export interface PageCounts {
  /** Sends what was counted. */
  flush(): Promise<void>;
}

/** A user who is decided for more than once. Follows updates; never throws, never waits. */
export interface PageUser<F extends FlagShapes<F> = AnyFlags> {
  /** The user. */
  readonly targetingKey: string | null | undefined;
  /** Whether the feature is on. */
  isEnabled(flag: FlagKey<F>): boolean;
  /** The variant that is served; `undefined` without one. */
  variant<K extends FlagKey<F>>(flag: K): VariantOf<F, K> | undefined;
  /** The value that is served; the fallback when there is none, or when it is of another type than the fallback. */
  value<K extends FlagKey<F>, T extends FallbackOf<F, K>>(flag: K, fallback: T): ServedOf<F, K, T>;
  /** What is served, and why. */
  decision(flag: FlagKey<F>): Decision;
  /**
   * Calls `enabled` where the flag is on, else `fallback`, and counts the outcome. An error of `enabled` counts as a
   * failure, and `fallback` is called instead; an error of `fallback` is the caller's.
   */
  run<T>(flag: FlagKey<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T;
}

/** Decides flags in a page, and keeps them current. Made by `createFeatures`. */
export interface PageFeatures<F extends FlagShapes<F> = AnyFlags> {
  /** What is counted. */
  readonly metrics: PageCounts;
  /** Where flags come from. */
  readonly remote: PageRemote;
  /** What is in use; `undefined` while nothing is. */
  readonly snapshot: Pick<PageSnapshot, 'digest' | 'revision'> | undefined;
  /** Whether a feature is on for a user: `false` for a flag that is not there. Never throws, never waits. */
  isEnabled(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): boolean;
  /** The variant that a user is served; `undefined` without one. */
  variant<K extends FlagKey<F>>(flag: K, userId?: string | null, attributes?: Attributes): VariantOf<F, K> | undefined;
  /** The value that a user is served; the fallback when there is none, or one of another type. */
  value<K extends FlagKey<F>, T extends FallbackOf<F, K>>(
    flag: K,
    fallback: T,
    userId?: string | null,
    attributes?: Attributes,
  ): ServedOf<F, K, T>;
  /** What a user is served, and why. */
  decision(flag: FlagKey<F>, userId?: string | null, attributes?: Attributes): Decision;
  /** A user who is decided for more than once, which is several times as fast. Updates of the flags are followed. */
  for(user: UserContext): PageUser<F>;
  /** Calls `enabled` where a flag is on for a user, else `fallback`, and counts the outcome. */
  run<T>(flag: FlagKey<F>, user: PageUser<F>, enabled: () => T, fallback: () => T, options?: RunOptions): T;
  /** Calls back when something happens; answers how to stop that. What a listener throws is reported as an `error`. */
  readonly on: Listen;
  /** Sends what was counted, and stops: no timer, connection or listener is left. What is in use goes on deciding. */
  close(): Promise<void>;
}

/** The parts of a page's features. */
export interface Parts {
  readonly life: Life;
  readonly inUse: InUse;
  readonly remote: PageRemote;
  readonly counts: Counts;
}

export function featuresOf<F extends FlagShapes<F>>({ life, inUse, remote, counts }: Parts): PageFeatures<F> {
  const { clock, fail, later } = life;
  const count = (flag: string, row: Row) => life.metrics && counts.count(flag, row, inUse.snapshot?.digest ?? '');
  const metrics: PageCounts = { flush: async () => (await later()).flush() };
  let closed: Promise<void> | undefined;

  const failed = (error: unknown) => fail(featureError('INVALID_CONTEXT', 'the fallback is served', error));
  /** Calls the engine; what it throws is reported. */
  const attempt = <T>(call: () => T): T | undefined => {
    try {
      return call();
    } catch (error) {
      // The full engine has room for it, as soon as it is there.
      if ((error as { code?: string }).code === 'TOO_LARGE')
        later()
          .then(({ enlarge }) => enlarge())
          .catch(failed);
      else failed(error);
      return undefined;
    }
  };

  /** Without attributes nobody is known, and every decision is the fallback. */
  const userOf = (targetingKey: string | null | undefined, attributes: Attributes | undefined): PageUser<F> => {
    let context: PageContext | undefined;
    let version = 0;
    /** Bound to what is in use now. What could not be bound is not tried again before that changes. */
    const bind = (): PageContext | undefined => {
      if (version !== inUse.version && attributes) {
        version = inUse.version;
        context = attempt(() => inUse.snapshot?.context(targetingKey, attributes));
      }
      return context;
    };
    /** Decides, and counts. */
    const outcomeOf = (flag: string): number | undefined =>
      attempt(() => {
        const id = (bind() && inUse.snapshot?.flag(flag)) ?? -1;
        const outcome = context?.decide(id, clock.now());
        if (id >= 0 && outcome !== undefined) count(flag, outcome);
        return outcome;
      });
    const user: PageUser<F> = {
      targetingKey,
      isEnabled: (flag) => ((outcomeOf(flag) ?? 0) & ENABLED) !== 0,
      variant: <K extends FlagKey<F>>(flag: K) => user.decision(flag).variant as VariantOf<F, K> | undefined,
      value: <K extends FlagKey<F>, T extends FallbackOf<F, K>>(flag: K, fallback: T) =>
        servedOr(fallback as JsonValue, user.decision(flag)) as ServedOf<F, K, T>,
      decision: (flag) => {
        outcomeOf(flag);
        return (
          attempt(() => context?.decision(flag, clock.now())) ??
          undecided(inUse.snapshot ? 'INVALID_CONTEXT' : 'PROVIDER_NOT_READY')
        );
      },
      run: (flag, enabled, fallback, options) => {
        const outcome = outcomeOf(flag);
        const generation = inUse.fleet[flag]?.generation ?? 0;
        const recordOutcome = (_: unknown, { failed = false, durationMs = 0 }: Partial<CallOutcome>) =>
          count(flag, `${outcome},${generation},${failed},${Math.round(durationMs)}`);
        const decided = outcome === undefined ? outcome : { enabled: (outcome & ENABLED) !== 0 };
        return run({ clock, events: { error: fail }, breaker: { recordOutcome } }, decided, enabled, fallback, options);
      },
    };
    return user;
  };

  const close = async (): Promise<void> => {
    if (life.metrics && inUse.snapshot) await life.within(LAST_WAIT, metrics.flush().catch(fail as () => void));
    life.isClosed = true;
    for (const end of life.ends) end();
    await remote.settled;
    life.mute();
  };

  return {
    metrics,
    remote,
    get snapshot() {
      return inUse.snapshot;
    },
    isEnabled: (flag, id, attributes = {}) => userOf(id, attributes).isEnabled(flag),
    variant: (flag, id, attributes = {}) => userOf(id, attributes).variant(flag),
    value: (flag, fallback, id, attributes = {}) => userOf(id, attributes).value(flag, fallback),
    decision: (flag, id, attributes = {}) => userOf(id, attributes).decision(flag),
    for: (user) => {
      try {
        const { targetingKey, ...attributes } = captured(user);
        return userOf(targetingKey, attributes);
      } catch (error) {
        failed(error);
        return userOf(undefined, undefined);
      }
    },
    run: (flag, user, ...calls) => user.run(flag, ...calls),
    on: life.on,
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
