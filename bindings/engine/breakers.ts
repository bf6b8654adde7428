import type {
  BreakerMode,
  BreakerReport,
  Breakers as BreakersContract,
  CallOutcome,
  Counts,
  FlagId,
  PackedDecision,
  Sample,
  Scope,
  Transition,
} from '../contract.d.ts';
import { Context } from './context.ts';
import { engineError, isArray, messageOf, nameOf } from './error.ts';
import { checkedTime } from './frame.ts';
import { parseLines } from './lines.ts';
import { checkedGeneration, checkedId, type Loaded, noRoom, type Place } from './loaded.ts';

/** The breakers of a snapshot. */
export class Breakers implements BreakersContract {
  readonly #loaded: Loaded;

  constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  guard(scope: Scope, now: number): void {
    const { door, handle } = this.#loaded;
    if (scope !== 'fleet' && scope !== 'host') {
      throw engineError('INVALID_ARGUMENT', `a scope is \`fleet\` or \`host\`, not ${nameOf(scope)}`);
    }
    if (!door.guard(handle, scope, checkedTime(now))) throw noRoom('the breakers');
    this.#loaded.forget();
  }

  record(flag: FlagId, counts: Counts, now: number): readonly Transition[] {
    const { door, handle } = this.#loaded;
    const { generation, ageMs = 0, treatment, control } = Object(counts) as Counts;
    const numbers = [generation, ageMs, ...numbersOf(treatment), ...numbersOf(control)];
    if (numbers.some((number) => number >>> 0 !== number)) {
      throw engineError('INVALID_ARGUMENT', 'counts must be integers from 0 to 4294967295, the generation among them');
    }
    return this.transitions(door.record(handle, checkedId(flag), Uint32Array.from(numbers), checkedTime(now)));
  }

  outcome(
    flag: FlagId,
    outcome: PackedDecision,
    told: CallOutcome,
    now: number,
    context?: unknown,
  ): readonly Transition[] {
    const { door, handle, frame, hot } = this.#loaded;
    // Read before anything is written: a getter may ask in its turn.
    const { failed = false, missing = false, durationMs, generation = 0 } = Object(told) as CallOutcome;
    checkedGeneration(generation);
    const place = context === undefined ? undefined : placeOf(context, this.#loaded);
    frame.ask(handle, place?.index ?? -1, checkedId(flag), now);
    frame.writeOutcome(outcome, { failed, missing, durationMs, generation });
    return this.#loaded.check(hot.outcome()) > 0 ? this.transitions(door.transitions(handle)) : NOTHING;
  }

  poll(now: number): readonly Transition[] {
    const { door, handle } = this.#loaded;
    return this.transitions(door.poll(handle, checkedTime(now)));
  }

  nextDeadline(): number | undefined {
    const { door, handle } = this.#loaded;
    return door.nextDeadline(handle) ?? undefined;
  }

  setMode(flag: FlagId, mode: BreakerMode, now: number): readonly Transition[] {
    const { door, handle } = this.#loaded;
    const transitions = door.setMode(handle, checkedId(flag), `${mode}`, checkedTime(now));
    if (transitions == null) throw engineError('INVALID_ARGUMENT', `\`${mode}\` is no mode of a breaker`);
    return this.transitions(transitions);
  }

  acknowledge(flag: FlagId, generation: number, now: number): readonly Transition[] {
    const { door, handle } = this.#loaded;
    return this.transitions(door.acknowledge(handle, checkedId(flag), checkedGeneration(generation), checkedTime(now)));
  }

  report(flag: FlagId): BreakerReport | undefined {
    const { door, handle } = this.#loaded;
    const text = door.breaker(handle, checkedId(flag));
    return text == null ? undefined : (parseLines(text)[0] as unknown as BreakerReport);
  }

  save(flag: FlagId): Uint8Array | undefined {
    const { door, handle } = this.#loaded;
    return door.save(handle, checkedId(flag)) ?? undefined;
  }

  restore(flag: FlagId, bytes: Uint8Array): boolean {
    const { door, handle } = this.#loaded;
    if (!isArray(bytes, 'Uint8Array')) {
      throw engineError('INVALID_ARGUMENT', `a breaker must be a Uint8Array, not ${nameOf(bytes)}`);
    }
    try {
      return door.restore(handle, checkedId(flag), bytes);
    } catch (error) {
      throw engineError('INVALID_ARGUMENT', `invalid breaker: ${messageOf(error)}`, error);
    } finally {
      this.#loaded.forget();
    }
  }

  /** What happened; decisions that are remembered may have been made under other trips. */
  transitions(text: string | null | undefined): readonly Transition[] {
    if (!text) return NOTHING;
    this.#loaded.forget();
    return parseLines(text) as unknown as Transition[];
  }
}

function placeOf(context: unknown, loaded: Loaded): Place {
  if (context instanceof Context && context.isOf(loaded)) return context.place();
  throw engineError('INVALID_ARGUMENT', 'a context must be one of this snapshot');
}

const NOTHING: readonly Transition[] = Object.freeze([]);

function numbersOf({ total = 0, errors = 0, slow = 0, missing = 0 }: Partial<Sample> = {}): number[] {
  return [total, errors, slow, missing];
}
