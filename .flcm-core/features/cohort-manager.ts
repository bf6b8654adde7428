import type { Clock } from './clock.ts';
import { type Events, featureError } from './events.ts';
import type { InUse } from './in-use.ts';
import type { Attributes, OverrideValue } from './types.ts';

/** Whether a user belongs to a cohort. Called at each decision for a user, so it must be quick. */
export type Membership = (userId: string, attributes: Attributes) => boolean;

/** Users of a cohort that the application keeps itself. */
export type CohortSource = ReadonlySet<string> | Membership;

/** Until when an override holds. */
export interface OverrideOptions {
  /** Milliseconds since 1970. @default for ever */
  readonly expiresAt?: number;
}

interface Override {
  readonly serve: string;
  readonly expiresAt: number;
}

/** The overrides of one user, by flag key. */
export type OverridesOfUser = ReadonlyMap<string, Override>;

/**
 * Who belongs to which cohort, besides those of the document, and what single users are made to get.
 *
 * Cohorts are named in the document; membership that is given here counts like its `users`. The document's `except`
 * comes first.
 */
export class CohortManager {
  readonly #inUse: InUse;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #members = new Map<string, Set<string>>();
  readonly #fed = new Map<string, CohortSource>();
  readonly #overrides = new Map<string, Map<string, Override>>();
  /** When the first override expires: before that there is none to be forgotten. */
  #firstExpiry = Number.POSITIVE_INFINITY;

  /** @internal */
  constructor(inUse: InUse, clock: Clock, events: Events) {
    this.#inUse = inUse;
    this.#clock = clock;
    this.#events = events;
  }

  /** Puts users into a cohort, for as long as the program runs. */
  add(cohort: string, ...users: readonly string[]): void {
    const members = this.#members.get(cohort) ?? new Set();
    this.#members.set(cohort, members);
    for (const user of users) members.add(user);
    this.#changed();
  }

  /** Takes out users that {@link add} has put in; all of them when none is named. */
  remove(cohort: string, ...users: readonly string[]): void {
    const members = this.#members.get(cohort);
    for (const user of users) members?.delete(user);
    if (users.length === 0 || members?.size === 0) this.#members.delete(cohort);
    this.#changed();
  }

  /**
   * Asks a set or a function who belongs to a cohort; answers how to stop that. A set may change at any time: contexts
   * made before keep what they know.
   */
  feed(cohort: string, source: CohortSource): () => void {
    this.#fed.set(cohort, source);
    this.#changed();
    return () => {
      if (this.#fed.get(cohort) === source) this.#fed.delete(cohort);
      this.#changed();
    };
  }

  /**
   * Makes a flag serve something to one user. It stands where the document's overrides do, and before them: a kill
   * switch, a rollback and dependencies still turn the flag off.
   *
   * @param value On, off, or the name of a variant.
   */
  override(userId: string, flag: string, value: OverrideValue, { expiresAt }: OverrideOptions = {}): void {
    this.#forgetExpired();
    const overrides = new Map(this.#overrides.get(userId));
    const serve = typeof value === 'string' ? value : value ? 'on' : 'off';
    const until = expiresAt ?? Number.POSITIVE_INFINITY;
    overrides.set(flag, { serve, expiresAt: until });
    this.#firstExpiry = Math.min(this.#firstExpiry, until);
    this.#overrides.set(userId, overrides);
    this.#changed();
  }

  /** Takes an override back; all of the user's when no flag is named. */
  clearOverride(userId: string, flag?: string): void {
    const overrides = new Map(flag === undefined ? [] : this.#overrides.get(userId));
    if (flag !== undefined) overrides.delete(flag);
    if (overrides.size > 0) this.#overrides.set(userId, overrides);
    else this.#overrides.delete(userId);
    this.#changed();
  }

  /**
   * The cohorts that a user belongs to: those of the document, decided by the engine, and those that the application
   * names.
   */
  assignUser(userId: string, attributes: Attributes = {}): string[] {
    const { snapshot } = this.#inUse;
    let named: string[] = [];
    try {
      named = this.named(userId, attributes);
      const all = snapshot?.context(userId, this.complete(userId, attributes)).cohorts() ?? [];
      // Nobody in particular is excepted from nothing: what the document knows of these cohorts it has decided.
      const known = new Set(snapshot?.context(undefined, { cohorts: named }).cohorts());
      return [...new Set([...all, ...named.filter((cohort) => !known.has(cohort))])];
    } catch (error) {
      this.#events.error(featureError('INVALID_CONTEXT', 'the cohorts of the document are not known', error));
      return named;
    }
  }

  /** The cohorts that the application puts a user in. */
  named(userId: string | null | undefined, attributes: Attributes): string[] {
    const { cohorts: given } = attributes;
    const named = new Set(Array.isArray(given) ? (given as readonly string[]) : []);
    if (userId != null) {
      for (const [cohort, members] of this.#members) if (members.has(userId)) named.add(cohort);
      for (const [cohort, source] of this.#fed)
        if (this.#belongs(cohort, source, userId, attributes)) named.add(cohort);
    }
    return [...named];
  }

  /** Whether attributes can be given to the engine as they are, for any user. @internal */
  get isIdle(): boolean {
    return this.#members.size === 0 && this.#fed.size === 0 && this.#overrides.size === 0;
  }

  /** The attributes with the cohorts that the application names. @internal */
  complete(userId: string | null | undefined, attributes: Attributes): Attributes {
    if (this.#members.size === 0 && this.#fed.size === 0) return attributes;
    // The engine reports what is wrong with anything else; a text would be copied character by character.
    if (typeof attributes !== 'object') return attributes;
    return { ...attributes, cohorts: this.named(userId, attributes) };
  }

  /** The overrides of a user. @internal */
  overridesOf(userId: string | null | undefined): OverridesOfUser | undefined {
    return userId == null ? undefined : this.#overrides.get(userId);
  }

  #belongs(cohort: string, source: CohortSource, userId: string, attributes: Attributes): boolean {
    try {
      return typeof source === 'function' ? source(userId, attributes) === true : source.has(userId);
    } catch (error) {
      this.#events.error(featureError('LISTENER_FAILED', `what feeds the cohort \`${cohort}\` threw`, error));
      return false;
    }
  }

  #forgetExpired(): void {
    const now = this.#clock.now();
    if (now < this.#firstExpiry) return;
    this.#firstExpiry = Number.POSITIVE_INFINITY;
    for (const [user, overrides] of this.#overrides) {
      const left = [...overrides].filter(([, { expiresAt }]) => expiresAt > now);
      for (const [, { expiresAt }] of left) this.#firstExpiry = Math.min(this.#firstExpiry, expiresAt);
      if (left.length > 0) this.#overrides.set(user, new Map(left));
      else this.#overrides.delete(user);
    }
  }

  #changed(): void {
    this.#inUse.version++;
  }
}
