import type { PackedDecision } from '../contract.d.ts';
import type { ContextInput } from './attribute-reader.ts';
import { DecisionBatch } from './decision-batch.ts';
import type { LoadedSnapshot, Needs } from './loaded-snapshot.ts';
import { writeDecisions } from './shared-memory.ts';

/** How often the engine is asked about a flag, and how many values are kept for all flags. */
const QUESTIONS = 512;
const MOST_VALUES = 65_536;

/** Where looking values up finds nothing for so many users in a row, it is left for so many others. */
const MISSES = 32;
const SKIPS = 4096;

/** V8 copies so short a text out of the one that it is a part of; of a longer one it would keep the whole. */
const LONGEST_VALUE = 12;

/** What is known of a flag. */
interface Known {
  /** The decision of users whom its only rule leaves out; -1 before there is one. */
  outcome: PackedDecision | -1;
  /** By the id of an attribute, the values that alone leave a user out. */
  readonly values: (Set<unknown> | undefined)[];
  /** How often the engine may still be asked. */
  questions: number;
  /** How many users in a row no value has left out, and how many the values are then not looked up for. */
  misses: number;
  skips: number;
}

/** The decision that everyone gets. */
export interface Everyone {
  readonly rule: number;
  readonly outcome: PackedDecision;
}

/**
 * Knows what the engine has decided before: what everyone is served, and whom the value of an attribute leaves out.
 * Nothing is judged here. What is decided by it is counted by the engine, in batches.
 */
export class LocalDecisions {
  readonly #loaded: LoadedSnapshot;
  readonly #batch: DecisionBatch;
  /** By flag; `null` where they differ. */
  readonly #everyone: (Everyone | null)[] = [];
  readonly #known: (Known | undefined)[] = [];
  #values = 0;

  constructor(loaded: LoadedSnapshot, memory: () => ArrayBuffer, offset: number) {
    this.#loaded = loaded;
    this.#batch = new DecisionBatch((decisions) => {
      writeDecisions(memory(), offset, loaded.handle, decisions);
      loaded.hot.countWritten?.();
    });
  }

  /** Counts a decision that was made here. */
  decided(flag: number, outcome: PackedDecision, key: string | undefined): void {
    if (this.#loaded.measuring) this.#batch.add(flag, outcome, key);
  }

  /** The decision that everyone gets; `null` where they differ. */
  everyone(flag: number): Everyone | null {
    const known = this.#everyone[flag];
    return known === undefined ? this.#askForEveryone(flag) : known;
  }

  #askForEveryone(flag: number): Everyone | null {
    const { binding, handle } = this.#loaded;
    if (flag < 0) return null;
    const [rule, outcome] = binding.forEveryone?.(handle, flag) ?? [];
    const everyone = rule === undefined || outcome === undefined ? null : { rule, outcome };
    this.#everyone[flag] = everyone;
    return everyone;
  }

  /** The decision for a user whom the value of an attribute leaves out; -1 for anyone else. */
  byValue(flag: number, { pairs, length }: ContextInput): PackedDecision | -1 {
    const known = this.#known[flag];
    if (known === undefined || known.outcome < 0) return -1;
    if (known.skips > 0) {
      known.skips--;
      return -1;
    }
    for (let i = 0; i < length; i += 2) {
      if (!known.values[pairs[i] as number]?.has(pairs[i + 1])) continue;
      known.misses = 0;
      return known.outcome;
    }
    if (++known.misses === MISSES) {
      known.misses = 0;
      known.skips = SKIPS;
    }
    return -1;
  }

  /** Asks the engine which values have decided, after it has decided for the context that is still written. */
  learn(flag: number, { ids }: Needs, { pairs, length }: ContextInput, outcome: PackedDecision): void {
    const { hot } = this.#loaded;
    if (length === 0 || hot.leftOutBy === undefined) return;
    this.#known[flag] ??= { outcome: -1, values: [], questions: QUESTIONS, misses: 0, skips: 0 };
    const known = this.#known[flag] as Known;
    if (known.questions === 0 || this.#values >= MOST_VALUES) return;
    if (known.outcome >= 0 && known.outcome !== outcome) return;
    known.questions--;
    const attributes = hot.leftOutBy();
    if (attributes <= 0) return;
    known.outcome = outcome;
    for (let i = 0; i < length; i += 2) {
      const id = pairs[i] as number;
      if ((attributes >> ids.indexOf(id)) & 1 && isKept(pairs[i + 1])) this.#keep(known, id, pairs[i + 1]);
    }
  }

  #keep(known: Known, id: number, value: unknown): void {
    known.values[id] ??= new Set();
    known.values[id]?.add(value);
    this.#values++;
  }

  /** Forgets what was known, because a trip has changed. */
  forget(): void {
    this.#everyone.length = 0;
    this.#known.length = 0;
    this.#values = 0;
  }

  /** Has the engine count what was decided here. */
  count(): void {
    this.#batch.count();
  }
}

/** A set takes 0 and -0 for the same, and lists for different; neither is worth a rule. */
function isKept(value: unknown): boolean {
  return typeof value === 'string' ? value.length <= LONGEST_VALUE : typeof value !== 'object' && value !== 0;
}
