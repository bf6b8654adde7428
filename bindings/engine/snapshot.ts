import type {
  Attributes,
  Context as ContextContract,
  Decision,
  FlagId,
  Outcome,
  Snapshot as SnapshotContract,
  TripState,
} from '../contract.d.ts';
import { Context } from './context.ts';
import { isOn } from './decision.ts';
import { engineError } from './error.ts';
import type { Loaded } from './loaded.ts';

const NO_ATTRIBUTES: Attributes = Object.freeze({});

/** A snapshot in use. */
export class Snapshot implements SnapshotContract {
  readonly #loaded: Loaded;
  readonly revision: bigint;
  readonly digest: string;
  readonly flagCount: number;
  readonly attributes: readonly string[];

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
    this.revision = loaded.door.revision(loaded.handle) ?? 0n;
    this.digest = loaded.door.digest(loaded.handle) ?? '';
    this.flagCount = loaded.flagCount;
    this.attributes = loaded.attributes;
    loaded.frame.refresh();
  }

  flag(key: string): FlagId {
    const { handle: _alive } = this.#loaded;
    return this.#loaded.flag(key);
  }

  flagKey(flag: FlagId): string | undefined {
    return this.#call((door, handle) => door.flagKey(handle, flag)) ?? undefined;
  }

  context(targetingKey?: string | null, attributes: Attributes = NO_ATTRIBUTES): ContextContract {
    return new Context(this.#loaded, targetingKey, attributes);
  }

  decide(
    flag: FlagId,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
  ): Outcome {
    const loaded = this.#loaded;
    const { gatherer, frame } = loaded;
    const { names, ids } = loaded.needs(flag);
    gatherer.named(targetingKey, attributes ?? NO_ATTRIBUTES, names, ids);
    frame.writeContext(gatherer);
    frame.ask(loaded.handle, 0, flag, now);
    const outcome = loaded.check(loaded.hot.decideOnce());
    frame.refresh();
    return outcome;
  }

  isEnabled(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
  ): boolean {
    return isOn(this.decide(this.#loaded.flag(key), targetingKey, attributes, now));
  }

  decision(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: number,
  ): Decision {
    const flag = this.#loaded.flag(key);
    const outcome = this.decide(flag, targetingKey, attributes, now);
    return this.#loaded.decision(flag, this.#loaded.frame.rule, outcome);
  }

  decisionOf(flag: FlagId, rule: number, outcome: Outcome): Decision {
    return this.#loaded.decision(flag, rule, outcome);
  }

  setTrip(flag: FlagId, state: TripState): void {
    if (!this.#call((door, handle) => door.setTrip(handle, flag, state))) {
      throw engineError('INVALID_ARGUMENT', `the snapshot has no flag ${flag}, or \`${state}\` is no state of a trip`);
    }
    this.#loaded.forget();
  }

  trip(flag: FlagId): TripState {
    return this.#call((door, handle) => door.trip(handle, flag)) as TripState;
  }

  trips(): Uint8Array {
    return this.#call((door, handle) => door.trips(handle)) as Uint8Array;
  }

  bytes(): Uint8Array {
    return this.#call((door, handle) => door.bytes(handle)) as Uint8Array;
  }

  free(): void {
    this.#loaded.free();
  }

  /** A call that may make wasm memory grow. */
  #call<T>(call: (door: Loaded['door'], handle: number) => T): T {
    const answer = call(this.#loaded.door, this.#loaded.handle);
    this.#loaded.frame.refresh();
    return answer;
  }
}
