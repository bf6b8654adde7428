import type {
  Attributes,
  Context as ContextContract,
  Decision,
  FlagId,
  PackedDecision,
  Snapshot as SnapshotContract,
  Time,
  Transition,
  TripState,
} from '../contract.d.ts';
import { Breakers } from './breakers.ts';
import { Context } from './context.ts';
import { isOn } from './decision.ts';
import { engineError, nameOf } from './error.ts';
import { checkedId, type LoadedSnapshot, noRoom } from './loaded-snapshot.ts';
import { Metrics } from './metrics.ts';
import { checkedTime, timeOf } from './shared-memory.ts';

export const NO_ATTRIBUTES: Attributes = Object.freeze({});

/** A snapshot in use. */
export class Snapshot implements SnapshotContract {
  readonly #loaded: LoadedSnapshot;
  readonly revision: bigint;
  readonly digest: string;
  readonly flagCount: number;
  readonly attributes: readonly string[];
  readonly breakers: Breakers;
  readonly metrics: Metrics;

  constructor(loaded: LoadedSnapshot) {
    this.#loaded = loaded;
    this.revision = loaded.binding.revision(loaded.handle) ?? 0n;
    this.digest = loaded.binding.digest(loaded.handle) ?? '';
    this.flagCount = loaded.flagCount;
    this.attributes = loaded.attributes;
    this.breakers = new Breakers(loaded);
    this.metrics = new Metrics(loaded);
  }

  follow(before: SnapshotContract, now: number): readonly Transition[] {
    const { binding, handle } = this.#loaded;
    if (!(before instanceof Snapshot) || before === this || before.#loaded.binding !== binding) {
      throw engineError('INVALID_ARGUMENT', 'a snapshot can follow another of the same engine only');
    }
    before.#loaded.forget();
    this.#loaded.forget();
    const transitions = binding.carry(before.#loaded.handle, handle, checkedTime(now));
    this.#loaded.measuring ||= before.#loaded.measuring;
    before.#loaded.measuring = false;
    return this.breakers.transitions(transitions);
  }

  changedSince(before: SnapshotContract, first: FlagId, count: number): readonly FlagId[] {
    const { binding, handle } = this.#loaded;
    if (!(before instanceof Snapshot) || before.#loaded.binding !== binding) {
      throw engineError('INVALID_ARGUMENT', 'a snapshot can be compared with another of the same engine only');
    }
    const changed = binding.changed(handle, before.#loaded.handle, checkedId(first), checkedId(count)) ?? [];
    return Array.from(changed.keys(), (at) => first + at).filter((flag) => changed[flag - first] === 1);
  }

  flag(key: string): FlagId {
    return this.#loaded.flag(key);
  }

  flagKey(flag: FlagId): string | undefined {
    return this.#loaded.flagKey(checkedId(flag));
  }

  flagSalt(flag: FlagId): string | undefined {
    const { binding, handle } = this.#loaded;
    return binding.flagSalt(handle, checkedId(flag)) ?? undefined;
  }

  isStatic(flag: FlagId): boolean {
    const { binding, handle } = this.#loaded;
    return binding.isStatic(handle, checkedId(flag)) ?? false;
  }

  context(targetingKey?: string | null, attributes?: Attributes | null): ContextContract {
    return new Context(this.#loaded, targetingKey, attributes ?? NO_ATTRIBUTES);
  }

  decide(
    flag: FlagId,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): PackedDecision {
    const loaded = this.#loaded;
    const needs = loaded.needs(flag);
    // A clock, like an attribute, may ask in its turn: before anything is written.
    const time = timeOf(now, needs.timed);
    loaded.memory.writeContext(loaded.gather(targetingKey, attributes ?? NO_ATTRIBUTES, needs));
    loaded.memory.ask(loaded.handle, 0, flag, time);
    return loaded.check(loaded.hot.decideOnce());
  }

  isEnabled(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): boolean {
    return isOn(this.decide(this.#loaded.flag(key), targetingKey, attributes, now));
  }

  decision(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): Decision {
    const flag = this.#loaded.flag(key);
    const outcome = this.decide(flag, targetingKey, attributes, now);
    return this.#loaded.decision(flag, this.#loaded.memory.rule, outcome);
  }

  decisionOf(flag: FlagId, rule: number, outcome: PackedDecision): Decision {
    const { handle: _alive } = this.#loaded;
    if (rule >>> 0 !== rule || outcome >>> 0 !== outcome) {
      throw engineError('INVALID_ARGUMENT', `rule and outcome must be numbers from \`decideAll\``);
    }
    return this.#loaded.decision(checkedId(flag), rule, outcome);
  }

  setTrip(flag: FlagId, state: TripState): void {
    const { binding, handle } = this.#loaded;
    if (typeof state !== 'string') {
      throw engineError('INVALID_ARGUMENT', `the state of a trip must be a string, not ${nameOf(state)}`);
    }
    if (!binding.setTrip(handle, checkedId(flag), state)) {
      throw engineError('INVALID_ARGUMENT', `the snapshot has no flag ${flag}, or \`${state}\` is no state of a trip`);
    }
    this.#loaded.forget();
  }

  trip(flag: FlagId): TripState {
    const { binding, handle } = this.#loaded;
    return binding.trip(handle, checkedId(flag)) as TripState;
  }

  trips(): Uint8Array {
    const { binding, handle } = this.#loaded;
    return binding.trips(handle) as Uint8Array;
  }

  bytes(): Uint8Array {
    const { binding, handle } = this.#loaded;
    const bytes = binding.bytes(handle);
    if (!bytes) throw noRoom('a copy of the snapshot');
    return bytes;
  }

  free(): void {
    this.#loaded.free();
  }
}
