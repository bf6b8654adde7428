import type { CallOutcome, FlagId, FleetState, Snapshot, Transition } from '@flcm/flags-web';
import type { Notifier } from './circuit-breaker/notify.ts';
import { Persistence } from './circuit-breaker/persistence.ts';
import { type Clock, Deadline, steady } from './clock.ts';
import type { Decided } from './context.ts';
import { FeatureError } from './errors.ts';
import type { Events } from './events.ts';
import type { Store } from './host/store.ts';
import type { Follower, InUse } from './in-use.ts';
import { isFleetFlag, Overrides } from './overrides.ts';
import type { BreakerEvent, BreakerMode, BreakerReport, FeatureEvents } from './types.ts';

/** The user of an outcome: a context of `for`, or a user id. */
export type ContextOrUserId<C> = C | string;

/** How a call went. */
export interface OutcomeOptions {
  /** How long it took. */
  readonly durationMs?: number | undefined;
}

/** Records outcomes of a user. */
export interface OutcomeReporter {
  /** Records how a feature went. */
  record(flag: string, call: { failed: boolean; durationMs?: number | undefined }): void;
}

/** The bits of a decision that hold its variant: all ones for none. */
const NO_VARIANT = 0xffff;

/** Breakers settle their seconds within so long of an outcome. */
const SECOND = 1000;

/** A transition is reported to the fleet's server within so many milliseconds. */
const REPORT_TRANSITION_WITHIN = 100;

/** A failure is reported within so many milliseconds: it may be one of many that only the fleet sees together. */
const REPORT_FAILURE_WITHIN = 5000;

/** What an event of a breaker is called beside `breaker`. */
const NAMES: Readonly<Record<string, 'rollback' | 'probe' | 'recovered'>> = {
  tripped: 'rollback',
  reopened: 'rollback',
  half_opened: 'probe',
  recovered: 'recovered',
};

/**
 * Rolls flags back that do harm. Outcomes go in; the engine weighs them, and turns a flag off with the next decision;
 * what happened is emitted as events. What the fleet's server holds back is held back here as well: the stricter of
 * both counts.
 */
export class CircuitBreaker implements Follower {
  readonly #inUse: InUse;
  /** A breaker does not believe a clock that went back: it would see nothing until that has caught up. */
  readonly #now: () => number;
  readonly #events: Events;
  readonly #persistence: Persistence;
  readonly #notifiers: readonly Notifier[];
  readonly #deadline: Deadline;
  /** Sends the counts to the fleet within so many milliseconds. */
  readonly #flushWithin: (ms: number) => void;
  #overrides = new Overrides(new Map(), new Set());
  readonly #generations: (number | undefined)[] = [];
  #reporter: ((user: string) => OutcomeReporter) | undefined;
  #closed = false;

  /** @internal */
  constructor(
    { inUse, clock, events }: { inUse: InUse; clock: Clock; events: Events },
    store: Store | undefined,
    notifiers: readonly Notifier[],
    flushWithin: (ms: number) => void,
  ) {
    this.#inUse = inUse;
    this.#now = steady(clock);
    this.#events = events;
    this.#persistence = new Persistence(store, events);
    this.#notifiers = notifiers;
    this.#flushWithin = flushWithin;
    this.#deadline = new Deadline(clock, () => this.#poll());
  }

  /** Reads what was stored, before the first flags are put in use. @internal */
  async open(reporter: (user: string) => OutcomeReporter): Promise<void> {
    this.#reporter = reporter;
    await this.#persistence.open();
    const { fleet, held } = this.#persistence.stored;
    this.#overrides = new Overrides(fleet, held);
  }

  /** Takes over from the snapshot before; the first one takes what was stored. @internal */
  follow(next: Snapshot, before: Snapshot | undefined): () => void {
    this.#generations.length = 0;
    const now = this.#now();
    if (before === undefined) next.breakers.guard('host', now);
    const transitions = before === undefined ? [] : next.follow(before, now);
    this.#restore(next);
    // Trips of flags that both snapshots have are taken over; flags that are new may have a trip already.
    for (const key of this.#overrides.keys()) this.#apply(next, key);
    return () => {
      this.#publish(next, transitions);
      // Where nothing is due, the next outcome sets the deadline: most hosts start without one.
      if (!this.#closed && next.breakers.nextDeadline() !== undefined) this.#deadline.noLaterThan(SECOND);
    };
  }

  /** Records a call that succeeded. */
  recordSuccess(flag: string, contextOrUserId: ContextOrUserId<OutcomeReporter>, options: OutcomeOptions = {}): void {
    this.#of(contextOrUserId)?.record(flag, { failed: false, ...options });
  }

  /** Records a call that failed. */
  recordError(flag: string, contextOrUserId: ContextOrUserId<OutcomeReporter>, options: OutcomeOptions = {}): void {
    this.#of(contextOrUserId)?.record(flag, { failed: true, ...options });
  }

  /** Takes the outcome of a decision. @internal */
  recordOutcome(
    { bound, key, flag, outcome, generation }: Decided,
    call: Pick<CallOutcome, 'failed' | 'durationMs'>,
  ): void {
    const { snapshot } = this.#inUse;
    if (snapshot === undefined || flag < 0) return;
    // The outcome of a decision under the snapshot before is recorded without its context and its variant, which this
    // snapshot cannot read.
    const same = bound.snapshot === snapshot;
    const id = same ? flag : snapshot.flag(key);
    if (id < 0) return;
    const context = same ? bound.context : undefined;
    const given = { ...call, ...(generation > 0 && { generation }) };
    const decided = same ? outcome : outcome | NO_VARIANT;
    this.#publish(snapshot, snapshot.breakers.outcome(id, decided, given, this.#now(), context));
    if (!this.#closed) this.#deadline.noLaterThan(SECOND);
    if (call.failed) this.#flushWithin(REPORT_FAILURE_WITHIN);
  }

  /** `closed`, `open` or `half_open`; `undefined` for a flag without `error_threshold`. */
  state(flag: string): string | undefined {
    return this.report(flag)?.state;
  }

  /** All that a breaker knows. */
  report(flag: string): BreakerReport | undefined {
    const { snapshot } = this.#inUse;
    return snapshot?.breakers.report(snapshot.flag(flag));
  }

  /** Turns a flag off on this host until it is released, whatever it has for a breaker. */
  hold(flag: string): void {
    this.#setMode(flag, 'held');
  }

  /** Ends a hold, and any other mode: the breaker decides again. */
  release(flag: string): void {
    this.#setMode(flag, 'auto');
  }

  /** Sets how far a breaker may go: see docs/reference/rollback.md. A flag without breaker can only be held. */
  setMode(flag: string, mode: BreakerMode): void {
    this.#setMode(flag, mode);
  }

  /** Lets a flag go on that was rolled back, and waits for a person. Nothing happens if it does not wait any more. */
  acknowledge(flag: string): void {
    const snapshot = this.#snapshot();
    this.#acknowledge(snapshot, this.#flag(snapshot, flag));
  }

  /**
   * Takes the state of the fleet, whole: a flag that is not named is clear. A state of which a part cannot be read is
   * reported as `INVALID_TRIPS`, and changes nothing. Where the fleet's breaker has decided anew to let a flag go on, a
   * trip of this host's own gives way to it, unless the fleet may only hold back.
   */
  applyFleetState(flags: FleetState, onlyStricter = false): void {
    const wrong = Object.keys(flags).find((key) => !isFleetFlag(flags[key]));
    if (wrong !== undefined) {
      this.#events.error(new FeatureError('INVALID_TRIPS', `the fleet's state of \`${wrong}\` cannot be read`));
      return;
    }
    const { snapshot } = this.#inUse;
    for (const [key, hasAdvanced] of this.#overrides.setFleet(flags)) {
      if (snapshot === undefined) continue;
      this.#apply(snapshot, key);
      if (hasAdvanced && !onlyStricter && this.#overrides.external(key) !== 'off')
        this.#acknowledge(snapshot, snapshot.flag(key));
    }
    const trips = Object.entries(flags).map(([key, { trip }]) => [key, trip] as const);
    const tripped = new Map(trips.filter(([, trip]) => trip !== 'clear'));
    this.#persistence.fleet(tripped);
    this.#events.emit('fleet', { trips: Object.freeze(Object.fromEntries(tripped)) });
  }

  /** The breaker's generation of a flag; 0 without one. @internal */
  generation(flag: FlagId): number {
    const known = this.#generations[flag];
    if (known !== undefined || flag < 0) return known ?? 0;
    const generation = this.#inUse.snapshot?.breakers.report(flag)?.generation ?? 0;
    this.#generations[flag] = generation;
    return generation;
  }

  /** Stores what is to survive. Decisions and outcomes go on; nothing is polled any more. @internal */
  async close(): Promise<void> {
    this.#closed = true;
    this.#deadline.clear();
    await Promise.all(this.#notifiers.map((notifier) => notifier.close()));
    await this.#persistence.written;
  }

  #of(contextOrUserId: ContextOrUserId<OutcomeReporter>): OutcomeReporter | undefined {
    return typeof contextOrUserId === 'string' ? this.#reporter?.(contextOrUserId) : contextOrUserId;
  }

  /** Restores stored breakers, each when its flag comes first. */
  #restore(snapshot: Snapshot): void {
    const { breakers } = this.#persistence.stored;
    for (const [key, bytes] of breakers) {
      const flag = snapshot.flag(key);
      if (flag < 0) continue;
      breakers.delete(key);
      try {
        snapshot.breakers.restore(flag, bytes);
      } catch (cause) {
        this.#events.error(
          new FeatureError('CACHE_FAILED', `the stored breaker of \`${key}\` cannot be used`, { cause }),
        );
      }
    }
  }

  /** Sets the trip that operator and fleet ask for. */
  #apply(snapshot: Snapshot, key: string): void {
    const flag = snapshot.flag(key);
    if (flag < 0) return;
    const trip = this.#overrides.external(key);
    if (trip !== 'clear' || snapshot.trip(flag) !== 'clear') snapshot.setTrip(flag, trip);
    // Under this generation the fleet's breaker takes what is counted here as evidence.
    const generation = this.#overrides.generation(key);
    if (generation !== undefined) snapshot.metrics.setGeneration(flag, generation);
  }

  #setMode(key: string, mode: BreakerMode): void {
    const snapshot = this.#snapshot();
    const flag = this.#flag(snapshot, key);
    // First, because it throws for what is no mode.
    const transitions = snapshot.breakers.setMode(flag, mode, this.#now());
    // A hold stands beside the breaker: an update may take that away, or bring one.
    const isHeld = mode === 'held';
    if (this.#overrides.setHeld(key, isHeld)) this.#persistence.held(key, isHeld);
    this.#apply(snapshot, key);
    this.#publish(snapshot, transitions);
  }

  #acknowledge(snapshot: Snapshot, flag: FlagId): void {
    const generation = snapshot.breakers.report(flag)?.generation;
    if (generation === undefined) return;
    this.#publish(snapshot, snapshot.breakers.acknowledge(flag, generation, this.#now()));
  }

  #snapshot(): Snapshot {
    const { snapshot } = this.#inUse;
    if (snapshot) return snapshot;
    throw new FeatureError('INVALID_OPTIONS', 'no flags are in use yet: wait for `ready`');
  }

  #flag(snapshot: Snapshot, key: string): FlagId {
    const flag = snapshot.flag(key);
    if (flag >= 0) return flag;
    throw new FeatureError('INVALID_OPTIONS', `no flag is called \`${key}\``);
  }

  #poll(): void {
    const { snapshot } = this.#inUse;
    if (snapshot === undefined || this.#closed) return;
    this.#publish(snapshot, snapshot.breakers.poll(this.#now()));
    const deadline = snapshot.breakers.nextDeadline();
    if (deadline !== undefined) this.#deadline.set(Math.max(0, deadline - this.#now()));
  }

  /** Stores breakers that changed, emits events, and notifies. */
  #publish(snapshot: Snapshot, transitions: readonly Transition[]): void {
    for (const transition of transitions) {
      const flag = snapshot.flagKey(transition.flag) ?? '';
      this.#generations[transition.flag] = transition.generation;
      const bytes = snapshot.breakers.save(transition.flag);
      if (bytes) this.#persistence.breaker(flag, bytes);
      const event = eventOf(flag, transition);
      const name: keyof FeatureEvents | undefined = NAMES[transition.event];
      if (name) this.#events.emit(name, event);
      this.#events.emit('breaker', event);
      for (const notifier of this.#notifiers) notifier.notify(event);
    }
    if (transitions.length === 0) return;
    this.#flushWithin(REPORT_TRANSITION_WITHIN);
    // What comes next may come earlier than what was waited for.
    if (!this.#closed) this.#deadline.noLaterThan(SECOND);
  }
}

function eventOf(flag: string, transition: Transition): BreakerEvent {
  const { event, cause, from, to, mode, percentBefore, percentAfter, at, text } = transition;
  return { flag, event, cause, from, to, mode, percentBefore, percentAfter, at, evidence: transition, text };
}
