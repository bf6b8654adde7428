import type { Maybe, Objects } from '../binding.d.ts';
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
import { type ContextSlot, checkedGeneration, checkedId, type LoadedSnapshot, noRoom } from './loaded-snapshot.ts';
import { checkedTime } from './shared-memory.ts';

/** The breakers of a snapshot. */
export class Breakers implements BreakersContract {
  readonly #loaded: LoadedSnapshot;

  constructor(loaded: LoadedSnapshot) {
    this.#loaded = loaded;
  }

  guard(scope: Scope, now: number): void {
    const { binding, handle } = this.#loaded;
    if (scope !== 'fleet' && scope !== 'host') {
      throw engineError('INVALID_ARGUMENT', `a scope is \`fleet\` or \`host\`, not ${nameOf(scope)}`);
    }
    if (!binding.guard(handle, scope, checkedTime(now))) throw noRoom('the breakers');
    this.#loaded.forget();
  }

  record(flag: FlagId, counts: Counts, now: number): readonly Transition[] {
    const { binding, handle } = this.#loaded;
    const { generation, ageMs = 0, treatment, control } = Object(counts) as Counts;
    const numbers = [generation, ageMs, ...numbersOf(treatment), ...numbersOf(control)];
    if (numbers.some((number) => number >>> 0 !== number)) {
      throw engineError('INVALID_ARGUMENT', 'counts must be integers from 0 to 4294967295, the generation among them');
    }
    return this.transitions(binding.record(handle, checkedId(flag), Uint32Array.from(numbers), checkedTime(now)));
  }

  outcome(
    flag: FlagId,
    outcome: PackedDecision,
    call: CallOutcome,
    now: number,
    context?: unknown,
  ): readonly Transition[] {
    const { binding, handle, memory, hot } = this.#loaded;
    // Read before anything is written: a getter may ask in its turn.
    const { failed = false, missing = false, durationMs, generation = 0 } = Object(call) as CallOutcome;
    checkedGeneration(generation);
    const slot = context === undefined ? undefined : slotOf(context, this.#loaded);
    memory.ask(handle, slot?.index ?? -1, checkedId(flag), now);
    memory.writeOutcome(outcome, { failed, missing, durationMs, generation });
    return this.#loaded.check(hot.outcome()) > 0 ? this.transitions(binding.transitions(handle)) : NOTHING;
  }

  poll(now: number): readonly Transition[] {
    const { binding, handle } = this.#loaded;
    return this.transitions(binding.poll(handle, checkedTime(now)));
  }

  nextDeadline(): number | undefined {
    const { binding, handle } = this.#loaded;
    return binding.nextDeadline(handle) ?? undefined;
  }

  setMode(flag: FlagId, mode: BreakerMode, now: number): readonly Transition[] {
    const { binding, handle } = this.#loaded;
    const transitions = binding.setMode(handle, checkedId(flag), `${mode}`, checkedTime(now));
    if (transitions == null) throw engineError('INVALID_ARGUMENT', `\`${mode}\` is no mode of a breaker`);
    return this.transitions(transitions);
  }

  acknowledge(flag: FlagId, generation: number, now: number): readonly Transition[] {
    const { binding, handle } = this.#loaded;
    return this.transitions(
      binding.acknowledge(handle, checkedId(flag), checkedGeneration(generation), checkedTime(now)),
    );
  }

  report(flag: FlagId): BreakerReport | undefined {
    const { binding, handle } = this.#loaded;
    const answer = binding.breaker(handle, checkedId(flag));
    return answer == null ? undefined : (this.#loaded.read.objects(answer)[0] as BreakerReport);
  }

  save(flag: FlagId): Uint8Array | undefined {
    const { binding, handle } = this.#loaded;
    return binding.save(handle, checkedId(flag)) ?? undefined;
  }

  restore(flag: FlagId, bytes: Uint8Array): boolean {
    const { binding, handle } = this.#loaded;
    if (!isArray(bytes, 'Uint8Array')) {
      throw engineError('INVALID_ARGUMENT', `a breaker must be a Uint8Array, not ${nameOf(bytes)}`);
    }
    try {
      return binding.restore(handle, checkedId(flag), bytes);
    } catch (error) {
      throw engineError('INVALID_ARGUMENT', `invalid breaker: ${messageOf(error)}`, error);
    } finally {
      this.#loaded.forget();
    }
  }

  /** What happened; decisions that are remembered may have been made under other trips. */
  transitions(answer: Maybe<Objects>): readonly Transition[] {
    if (!answer?.length) return NOTHING;
    this.#loaded.forget();
    return this.#loaded.read.objects(answer) as Transition[];
  }
}

function slotOf(context: unknown, loaded: LoadedSnapshot): ContextSlot {
  if (context instanceof Context && context.isOf(loaded)) return context.slot();
  throw engineError('INVALID_ARGUMENT', 'a context must be one of this snapshot');
}

const NOTHING: readonly Transition[] = Object.freeze([]);

function numbersOf({ total = 0, errors = 0, slow = 0, missing = 0 }: Partial<Sample> = {}): number[] {
  return [total, errors, slow, missing];
}
