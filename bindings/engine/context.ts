import type { Attributes, Context as ContextContract, Decision, FlagId, PackedDecision } from '../contract.d.ts';
import type { Asker } from './attributes.ts';
import { isOn } from './decision.ts';
import { engineError, isArray } from './error.ts';
import { checkedTime } from './frame.ts';
import { checkedId, type Loaded, type Place, STRIDE } from './loaded.ts';

/** A user who is decided for more than once. */
export class Context implements ContextContract {
  readonly #loaded: Loaded;
  readonly #asker: Asker;
  #place: Place;
  /** The place's, when this context was bound to it. */
  #mark: number;

  constructor(loaded: Loaded, key: string | null | undefined, attributes: Attributes) {
    this.#loaded = loaded;
    this.#asker = loaded.gather(key, attributes).captured();
    this.#place = loaded.bind(this, this.#asker);
    this.#mark = this.#place.mark;
  }

  decide(flag: FlagId, now: number): PackedDecision {
    const outcome = this.remembered(flag);
    return outcome === -1 ? this.#cross(flag, now) : outcome;
  }

  remembered(flag: FlagId): PackedDecision | -1 {
    const { answers, mark } = this.#place;
    const at = flag * STRIDE;
    // Once the place has another owner, what is counted there is told for them.
    if (answers[at] !== this.#mark || mark !== this.#mark) return -1;
    (answers[at + 2] as number)++;
    return answers[at + 1] as number;
  }

  decideAs(flag: FlagId, serve: string, now: number): PackedDecision {
    const { door, handle } = this.#loaded;
    const outcome = door.decideAs(handle, this.place().index, checkedId(flag), `${serve}`, checkedTime(now));
    if (outcome == null) {
      throw engineError(
        'INVALID_ARGUMENT',
        `the snapshot has no flag ${flag}, or \`${serve}\` is none of its variants`,
      );
    }
    return outcome;
  }

  cohorts(): readonly string[] {
    const { door, handle } = this.#loaded;
    return (door.cohorts(handle, this.place().index) ?? '').split('\n').slice(0, -1);
  }

  isEnabled(key: string, now: number): boolean {
    return isOn(this.decide(this.#loaded.flag(key), now));
  }

  decision(key: string, now: number): Decision {
    const flag = this.#loaded.flag(key);
    // The rule is not among the remembered answers.
    const outcome = this.#cross(flag, now);
    return this.#loaded.decision(flag, this.#loaded.frame.rule, outcome);
  }

  decideAll(now: number, out: Uint32Array = new Uint32Array(this.#loaded.flagCount * 2)): Uint32Array {
    const { frame, hot, handle, flagCount } = this.#loaded;
    if (!isArray(out, 'Uint32Array') || out.length < flagCount * 2) {
      throw engineError('INVALID_ARGUMENT', `\`out\` must be a Uint32Array of at least ${flagCount * 2} numbers`);
    }
    frame.ask(handle, this.place().index, 0, now);
    frame.copyOutcomes(this.#loaded.check(hot.decideAll()), out);
    return out;
  }

  /** Asks the engine. */
  #cross(flag: FlagId, now: number): PackedDecision {
    const loaded = this.#loaded;
    const { timed } = loaded.needs(flag);
    const place = this.place();
    loaded.frame.ask(loaded.handle, place.index, flag, now);
    const outcome = loaded.check(loaded.hot.decide());
    if (!timed) loaded.remember(place, flag, outcome);
    return outcome;
  }

  isOf(loaded: Loaded): boolean {
    return this.#loaded === loaded;
  }

  /** Where the engine has this context. */
  place(): Place {
    if (this.#place.owner !== this) {
      this.#place = this.#loaded.bind(this, this.#asker);
      this.#mark = this.#place.mark;
    }
    return this.#place;
  }
}
