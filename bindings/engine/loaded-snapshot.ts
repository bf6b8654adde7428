import type { EngineBinding, HotCalls } from '../binding.d.ts';
import type { Attributes, Decision } from '../contract.d.ts';
import { AttributeReader, type ContextInput } from './attribute-reader.ts';
import { engineError, nameOf } from './error.ts';
import type { Reading } from './index.ts';
import type { SharedMemory } from './shared-memory.ts';

/** How many contexts the engine keeps for a snapshot. */
const CONTEXT_SLOTS = 32;

/** Flag keys have at most 256 bytes. */
const LONGEST_KEY = 256;

const NO_ANSWERS = new Int32Array(0);

/** Numbers of an answer. */
export const STRIDE = 3;

/** Where the engine keeps a bound context, and answers that it gave. */
export class ContextSlot {
  readonly index: number;
  /** The context that is bound here. */
  owner: object | undefined;
  /** Marks the owner's answers: no two bindings have the same. */
  mark = 0;
  /**
   * Per flag a mark, an outcome once there is one, and how often it was given since. One table serves all owners: a context
   * allocates none.
   */
  answers: Int32Array = NO_ANSWERS;
  /** Flags whose answers are remembered. */
  readonly remembered: number[] = [];

  constructor(index: number) {
    this.index = index;
  }

  clear(): void {
    this.answers = NO_ANSWERS;
    this.remembered.length = 0;
  }
}

/** What deciding a flag needs to know of it. */
export interface Needs {
  readonly names: readonly string[];
  readonly ids: readonly number[];
  /** Whether time alone may change the decision. */
  readonly timed: boolean;
}

/** Decides by itself what the engine has decided before. */
interface Local {
  /** Has the engine count what was decided. */
  count(): void;
  /** Forgets what the engine has decided, because a trip has changed. */
  forget(): void;
}

/** A decision in words, of a rule. */
interface Made {
  readonly rule: number;
  readonly decision: Decision;
}

const NOTHING: Needs = { names: [], ids: [], timed: true };

/** Lets snapshots go that nobody holds any more, whose `free` was forgotten. */
const forgotten = new FinalizationRegistry<() => void>((unload) => unload());

/** A snapshot that a binding has loaded, shared by what is visible of it: the snapshot and its contexts. */
export class LoadedSnapshot {
  readonly binding: EngineBinding;
  readonly read: Reading;
  readonly hot: HotCalls;
  readonly memory: SharedMemory;
  readonly flagCount: number;
  readonly attributes: readonly string[];
  /** What decides by itself and has something to be counted. */
  local: Local | undefined;
  /** Whether decisions are counted. */
  measuring = false;
  readonly #attributeIds: ReadonlyMap<string, number>;
  /** One that is not in use. */
  #reader: AttributeReader | undefined;
  readonly #handle: number;
  #freed = false;
  #mark = 0;
  #nextSlot = 0;
  readonly #slots: ContextSlot[] = [];
  readonly #flagIds = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #needs: (Needs | undefined)[] = [];
  /** By flag, the unknown one first, and by outcome. */
  readonly #decisions: (Map<number, Made[]> | undefined)[] = [];

  constructor(binding: EngineBinding, hot: HotCalls, memory: SharedMemory, handle: number, read: Reading) {
    this.binding = binding;
    this.read = read;
    this.hot = hot;
    this.memory = memory;
    this.#handle = handle;
    this.flagCount = binding.flagCount(handle) ?? 0;
    this.attributes = Object.freeze(attributesOf(binding, handle));
    this.#attributeIds = new Map(this.attributes.map((name, id) => [name, id]));
    forgotten.register(this, () => binding.unload(handle), this);
  }

  /** The binding's handle. */
  get handle(): number {
    if (this.#freed) throw freed();
    return this.#handle;
  }

  free(): void {
    if (this.#freed) return;
    this.forget();
    this.#freed = true;
    forgotten.unregister(this);
    this.binding.unload(this.#handle);
  }

  /** Forgets what was answered, after counting it. */
  forget(): void {
    this.countRemembered();
    for (const slot of this.#slots) slot.clear();
    this.local?.forget();
  }

  /** Reports to the engine the decisions that were answered from the cache. */
  countRemembered(): void {
    for (const slot of this.#slots) this.#count(slot);
    this.local?.count();
  }

  #count(slot: ContextSlot): void {
    if (!this.measuring || this.#freed) return;
    for (const flag of slot.remembered) {
      const at = flag * STRIDE;
      const times = slot.answers[at + 2] as number;
      if (times === 0) continue;
      slot.answers[at + 2] = 0;
      this.memory.ask(this.#handle, slot.index, flag, 0);
      this.memory.writeDecided(slot.answers[at + 1] as number, times);
      this.hot.count();
    }
  }

  /** Remembers an answer of the context that is bound to a slot. */
  remember(slot: ContextSlot, flag: number, outcome: number): void {
    if (slot.answers.length === 0) slot.answers = new Int32Array(this.flagCount * STRIDE);
    const at = flag * STRIDE;
    if (slot.answers[at] === slot.mark) return;
    slot.answers[at] = slot.mark;
    slot.answers[at + 1] = outcome;
    slot.answers[at + 2] = 0;
    slot.remembered.push(flag);
  }

  /** The id of a flag, or -1. Keys that are not there are not remembered: there is no end to them. */
  flag(key: string): number {
    const { handle } = this;
    const known = this.#flagIds.get(key);
    if (known !== undefined) return known;
    if (typeof key !== 'string')
      throw engineError('INVALID_ARGUMENT', `a flag key must be a string, not ${nameOf(key)}`);
    if (key.length > LONGEST_KEY) return -1;
    this.memory.writeKey(handle, key);
    const flag = this.hot.flag();
    if (flag >= 0) this.#flagIds.set(key, flag);
    return flag;
  }

  /** Reads who asks: what `needs` names, or all that is known. Attributes may be getters that ask in their turn. */
  gather(key: unknown, attributes: Attributes, needs?: Needs): AttributeReader {
    const reader = this.#reader ?? new AttributeReader();
    this.#reader = undefined;
    if (needs) reader.named(key, attributes, needs.names, needs.ids);
    else reader.known(key, attributes, this.#attributeIds);
    this.#reader = reader;
    return reader;
  }

  /** Binds a context, to one slot after the other. */
  bind(owner: object, input: ContextInput): ContextSlot {
    const { handle, memory } = this;
    const mark = this.#newMark();
    const index = this.#nextSlot;
    const slot = this.#slots[index] ?? new ContextSlot(index);
    this.#slots[index] = slot;
    this.#count(slot);
    slot.remembered.length = 0;
    slot.owner = undefined;
    memory.writeContext(input);
    memory.ask(handle, index, 0, 0);
    this.check(this.hot.bind());
    slot.owner = owner;
    slot.mark = mark;
    this.#nextSlot = (index + 1) % CONTEXT_SLOTS;
    return slot;
  }

  /** When marks begin anew, so do the slots: contexts that hold the old ones have lost them, and what they remembered. */
  #newMark(): number {
    if (this.#mark === 0x7fffffff) {
      this.forget();
      for (const slot of this.#slots) slot.owner = undefined;
      this.#slots.length = 0;
      this.#mark = 0;
    }
    return ++this.#mark;
  }

  /** The key of a flag. */
  flagKey(flag: number): string | undefined {
    const { handle } = this;
    this.#keys[flag] ??= this.binding.flagKey(handle, flag) ?? undefined;
    return this.#keys[flag];
  }

  needs(flag: number): Needs {
    return this.#needs[checkedId(flag)] ?? this.#learn(flag);
  }

  #learn(flag: number): Needs {
    if (flag < 0) return NOTHING;
    const read = this.binding.reads(this.handle, flag);
    if (!read) return NOTHING;
    const ids = [...read];
    const timed = ids.pop() === 1;
    const needs = { names: ids.map((id) => this.attributes[id] as string), ids, timed };
    this.#needs[flag] = needs;
    return needs;
  }

  /** A decision from its text. There are few of them for a flag, so each is made once. */
  decision(flag: number, rule: number, outcome: number): Decision {
    for (const made of this.#decisions[flag + 1]?.get(outcome) ?? []) if (made.rule === rule) return made.decision;
    return this.#describe(flag, rule, outcome);
  }

  #describe(flag: number, rule: number, outcome: number): Decision {
    const answer = this.binding.decisionText(this.handle, flag, rule, outcome);
    const decision = this.read.decision(answer ?? '', outcome);
    this.#decisions[flag + 1] ??= new Map();
    const made = this.#decisions[flag + 1] as Map<number, Made[]>;
    made.set(outcome, [...(made.get(outcome) ?? []), { rule, decision }]);
    return decision;
  }

  /** Passes an answer of a hot call on, unless it is an error. */
  check(answer: number): number {
    if (answer >= 0) return answer;
    if (answer === -1) throw freed();
    if (answer === -4) throw noRoom('the context');
    // Contexts are bound and written here, so what is left is that the outcomes do not fit into the shared memory.
    throw engineError('INVALID_ARGUMENT', 'the snapshot has too many flags to decide them all at once');
  }
}

/** A flag id, or anything else that was given. */
export function checkedId(flag: unknown): number {
  if (typeof flag === 'number' && (flag | 0) === flag) return flag;
  throw engineError('INVALID_ARGUMENT', `a flag id must be a number from \`flag\`, not ${nameOf(flag)}`);
}

/** A breaker's generation, or anything else that was given. */
export function checkedGeneration(generation: unknown): number {
  if (typeof generation === 'number' && generation >>> 0 === generation) return generation;
  throw engineError('INVALID_ARGUMENT', `a generation must be a number from a breaker, not ${nameOf(generation)}`);
}

/** The engine's memory is full. */
export function noRoom(what: string, cause?: unknown): Error {
  return engineError('OUT_OF_MEMORY', `there is no room for ${what}: free snapshots that are no longer in use`, cause);
}

function freed(): Error {
  return engineError('FREED', 'the snapshot was freed: load it again, or free it later');
}

function attributesOf(binding: EngineBinding, handle: number): string[] {
  const names: string[] = [];
  for (;;) {
    const name = binding.attribute(handle, names.length);
    if (name == null) return names;
    names.push(name);
  }
}
