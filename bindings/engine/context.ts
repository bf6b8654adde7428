import type { Attributes, Context as ContextContract, Decision, FlagId, PackedDecision, Time } from '../contract.d.ts';
import type { ContextInput } from './attribute-reader.ts';
import { isOn } from './decision.ts';
import { engineError, isArray } from './error.ts';
import { type ContextSlot, checkedId, type LoadedSnapshot, STRIDE } from './loaded-snapshot.ts';
import { checkedTime, timeOf } from './shared-memory.ts';

/** A user who is decided for more than once. */
export class Context implements ContextContract {
  readonly #loaded: LoadedSnapshot;
  readonly #input: ContextInput;
  #slot: ContextSlot;
  /** The slot's, when this context was bound to it. */
  #mark: number;

  constructor(loaded: LoadedSnapshot, key: string | null | undefined, attributes: Attributes) {
    this.#loaded = loaded;
    this.#input = loaded.gather(key, attributes).captured();
    this.#slot = loaded.bind(this, this.#input);
    this.#mark = this.#slot.mark;
  }

  decide(flag: FlagId, now: Time): PackedDecision {
    const outcome = this.#remembered(flag);
    return outcome === -1 ? this.#cross(flag, now) : outcome;
  }

  /** The answer, if it is remembered; else -1. It is counted like any other. */
  #remembered(flag: FlagId): PackedDecision | -1 {
    const { answers, mark } = this.#slot;
    const at = flag * STRIDE;
    // Once the slot has another owner, what is counted there is counted for them.
    if (answers[at] !== this.#mark || mark !== this.#mark) return -1;
    (answers[at + 2] as number)++;
    return answers[at + 1] as number;
  }

  decideAs(flag: FlagId, serve: string, now: number): PackedDecision {
    const { binding, handle } = this.#loaded;
    const outcome = binding.decideAs(handle, this.slot().index, checkedId(flag), `${serve}`, checkedTime(now));
    if (outcome == null) {
      throw engineError(
        'INVALID_ARGUMENT',
        `the snapshot has no flag ${flag}, or \`${serve}\` is none of its variants`,
      );
    }
    return outcome;
  }

  cohorts(): readonly string[] {
    const { binding, handle } = this.#loaded;
    return (binding.cohorts(handle, this.slot().index) ?? '').split('\n').slice(0, -1);
  }

  isEnabled(key: string, now: Time): boolean {
    return isOn(this.decide(this.#loaded.flag(key), now));
  }

  decision(key: string, now: Time): Decision {
    const flag = this.#loaded.flag(key);
    // The rule is not among the remembered answers.
    const outcome = this.#cross(flag, now);
    return this.#loaded.decision(flag, this.#loaded.memory.rule, outcome);
  }

  decideAll(now: number, out: Uint32Array = new Uint32Array(this.#loaded.flagCount * 2)): Uint32Array {
    const { memory, hot, handle, flagCount } = this.#loaded;
    if (!isArray(out, 'Uint32Array') || out.length < flagCount * 2) {
      throw engineError('INVALID_ARGUMENT', `\`out\` must be a Uint32Array of at least ${flagCount * 2} numbers`);
    }
    memory.ask(handle, this.slot().index, 0, now);
    memory.copyOutcomes(this.#loaded.check(hot.decideAll()), out);
    return out;
  }

  /** Asks the engine. */
  #cross(flag: FlagId, now: Time): PackedDecision {
    const loaded = this.#loaded;
    const { timed } = loaded.needs(flag);
    // A clock may ask in its turn: before anything is written.
    const time = timeOf(now, timed);
    const slot = this.slot();
    loaded.memory.ask(loaded.handle, slot.index, flag, time);
    const outcome = loaded.check(loaded.hot.decide());
    if (!timed) loaded.remember(slot, flag, outcome);
    return outcome;
  }

  isOf(loaded: LoadedSnapshot): boolean {
    return this.#loaded === loaded;
  }

  /** Where the engine has this context. */
  slot(): ContextSlot {
    if (this.#slot.owner !== this) {
      this.#slot = this.#loaded.bind(this, this.#input);
      this.#mark = this.#slot.mark;
    }
    return this.#slot;
  }
}
