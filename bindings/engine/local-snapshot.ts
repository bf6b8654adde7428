import type { Attributes, Decision, FlagId, PackedDecision, Time } from '../contract.d.ts';
import { isShort } from './decision-batch.ts';
import type { LoadedSnapshot } from './loaded-snapshot.ts';
import { LocalDecisions } from './local-decisions.ts';
import { checkedTime, timeOf } from './shared-memory.ts';
import { NO_ATTRIBUTES, Snapshot } from './snapshot.ts';

/** The rule of a decision that none has made. */
const NO_RULE = 0xffffffff;

/**
 * A snapshot that decides for one user without a crossing where the engine has decided before. Only where the
 * addon decides: it makes a page larger.
 */
export class LocalSnapshot extends Snapshot {
  readonly #loaded: LoadedSnapshot;
  readonly #local: LocalDecisions;
  /** That of the last decision. */
  #rule = NO_RULE;

  constructor(loaded: LoadedSnapshot, memory: () => ArrayBuffer, offset: number) {
    super(loaded);
    this.#loaded = loaded;
    this.#local = new LocalDecisions(loaded, memory, offset);
    loaded.local = this.#local;
  }

  override decide(
    flag: FlagId,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): PackedDecision {
    const loaded = this.#loaded;
    const local = this.#local;
    const { handle } = loaded;
    const needs = loaded.needs(flag);
    // A clock, like an attribute, may ask in its turn: before anything is written.
    const time = checkedTime(timeOf(now, needs.timed));
    const everyone = local.everyone(flag);
    const key = targetingKey ?? undefined;
    if (everyone !== null && isNothingRead(needs.names, key, attributes) && isShort(key)) {
      local.decided(flag, everyone.outcome, key);
      this.#rule = everyone.rule;
      return everyone.outcome;
    }
    const input = loaded.gather(targetingKey, attributes ?? NO_ATTRIBUTES, needs);
    const known = local.byValue(flag, input);
    if (known >= 0 && isShort(input.key)) {
      local.decided(flag, known, input.key);
      this.#rule = NO_RULE;
      return known;
    }
    loaded.memory.writeContext(input);
    loaded.memory.ask(handle, 0, flag, time);
    const outcome = loaded.check(loaded.hot.decideOnce());
    this.#rule = loaded.memory.rule;
    local.learn(flag, needs, input, outcome);
    return outcome;
  }

  override decision(
    key: string,
    targetingKey: string | null | undefined,
    attributes: Attributes | undefined,
    now: Time,
  ): Decision {
    const flag = this.#loaded.flag(key);
    const outcome = this.decide(flag, targetingKey, attributes, now);
    return this.#loaded.decision(flag, this.#rule, outcome);
  }
}

/** Whether there is nothing to be read of a user, and so nothing that the engine would refuse. */
function isNothingRead(names: readonly string[], key: unknown, attributes: Attributes | null | undefined): boolean {
  if (names.length > 0 || (key !== undefined && typeof key !== 'string')) return false;
  return attributes == null || (typeof attributes === 'object' && attributes.cohorts === undefined);
}
