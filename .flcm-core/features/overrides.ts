import type { FleetState, TripState } from '@flcm/flags-web';

/** The engine reads the same texts: a cap is at most 100 %, in thousandths of a percent. */
const TRIP = /^(clear|probing|off|capped \+?0*(\d{1,5}|100000))$/;

/** Whether a text is the state of a trip. */
export function isTrip(text: unknown): text is TripState {
  return typeof text === 'string' && TRIP.test(text);
}

/** Whether a value is what a server may send about a flag. */
export function isFleetFlag(value: unknown): value is FleetState[string] {
  const { trip, generation } = Object(value);
  return isTrip(trip) && (generation == null || generation >>> 0 === generation);
}

/**
 * What overrides the breakers of this host from outside: holds of an operator, and trips of the fleet. They are stored
 * by flag key, because flags may come later than their overrides.
 */
export class Overrides {
  readonly #held: Set<string>;
  #fleet: FleetState;

  constructor(fleet: ReadonlyMap<string, TripState>, held: ReadonlySet<string>) {
    this.#fleet = Object.fromEntries([...fleet].map(([key, trip]) => [key, { trip }]));
    this.#held = new Set(held);
  }

  /**
   * Takes the whole state of the fleet. Answers the keys of all flags that it names, or named before, and for each
   * whether the fleet's breaker has decided anew since: its generation is higher.
   */
  setFleet(fleet: FleetState): ReadonlyMap<string, boolean> {
    const before = this.#fleet;
    this.#fleet = { ...fleet };
    const hasAdvanced = (key: string) =>
      (this.generation(key) ?? 0) > (before[key]?.generation ?? Number.POSITIVE_INFINITY);
    return new Map([...Object.keys(before), ...Object.keys(fleet)].map((key) => [key, hasAdvanced(key)]));
  }

  /** Holds a flag, or ends its hold; whether that changed anything. */
  setHeld(key: string, held: boolean): boolean {
    const changed = held !== this.#held.has(key);
    if (held) this.#held.add(key);
    else this.#held.delete(key);
    return changed;
  }

  /** The trip of a flag apart from its own breaker's. A hold is stricter than any trip of the fleet. */
  external(key: string): TripState {
    return this.#held.has(key) ? 'off' : (this.#fleet[key]?.trip ?? 'clear');
  }

  /** The generation of the fleet's breaker of a flag, if the server named it. */
  generation(key: string): number | undefined {
    return this.#fleet[key]?.generation ?? undefined;
  }

  /** The keys of all flags that are held or named by the fleet. */
  keys(): ReadonlySet<string> {
    return new Set([...Object.keys(this.#fleet), ...this.#held]);
  }
}
