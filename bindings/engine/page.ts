/** The engine of pages: a small module that decides, and nothing else. See `bindings/page`. */

import type {
  Attributes,
  Decision,
  FlagId,
  JsonValue,
  PackedDecision,
  PageContext,
  PageEngine,
  PageSnapshot,
} from '../contract.d.ts';
import { isOn, parseJson } from './decision.ts';
import { engineError } from './error.ts';
import { CONTEXT, contextBytes, tooLarge } from './page-context.ts';

/** What the module exports. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  places(): number;
  load(length: number): number;
  find(length: number, isAttribute: number): number;
  bind(slot: number, length: number): void;
  decide(slot: number, flag: number, now: number): void;
  words(flag: number): void;
}

/** The most bytes of a snapshot: see `bindings/page`. */
const LARGEST = 1 << 20;
const CONTEXTS = 4;

/** The most names of attributes that are remembered. */
const NAMES = 1000;

/** The id of an attribute that no flag reads. */
const ABSENT = -2;

/** Every flag. */
const ALL = -1;

/** The bit of a decision that serves something: without it there was an error. */
const SERVES = 1 << 25;

/** Where the words of arms begin, behind those of reasons. */
const ARMS = 11;

/** Where the word of all errors is. */
const ERROR = 14;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * An engine in a module.
 *
 * @param module `@flcm/flags-web/flags-page.wasm`, compiled.
 * @param trapped Called when an instance of the module has failed, and was replaced.
 */
export function createPageEngine(module: WebAssembly.Module, trapped: (error: unknown) => void = () => {}): PageEngine {
  return { load: (bytes) => new LoadedPage(module, trapped, bytes) };
}

/** An instance of the module, which takes in one snapshot. It allocates nothing, so views of its memory stay. */
class Instance {
  readonly exports: Exports;
  readonly bytes: Uint8Array;
  readonly numbers: Uint32Array;
  /** Where the answer of a call lies, in numbers. */
  readonly answer: number;
  /** Where things lie. */
  readonly places: Uint32Array;

  constructor(module: WebAssembly.Module) {
    this.exports = new WebAssembly.Instance(module).exports as unknown as Exports;
    const { buffer } = this.exports.memory;
    this.bytes = new Uint8Array(buffer);
    this.numbers = new Uint32Array(buffer);
    this.answer = this.exports.places() / 4;
    this.places = this.numbers.slice(this.answer, this.answer + 8);
  }

  /** A number of the answer. */
  at(index: number): number {
    return this.numbers[this.answer + index] as number;
  }

  /** The text at a place. */
  text(address: number, length: number): string {
    return decoder.decode(this.bytes.subarray(address, address + length));
  }

  /** A text whose place is a part of the answer. */
  textAt(index: number): string {
    return this.text(this.at(index), this.at(index + 1));
  }

  place(index: number): number {
    return this.places[index] as number;
  }
}

class LoadedPage implements PageSnapshot {
  readonly revision: bigint;
  readonly digest: string;
  readonly flagCount: number;
  readonly #module: WebAssembly.Module;
  readonly #trapped: (error: unknown) => void;
  readonly #snapshot: Uint8Array;
  readonly #words: readonly string[];
  readonly #flags = new Map<string, number>();
  readonly #attributes = new Map<string, number>();
  #instance: Instance;
  #owners: (Bound | undefined)[] = [];
  #next = 0;

  constructor(module: WebAssembly.Module, trapped: (error: unknown) => void, bytes: Uint8Array) {
    if (bytes.length > LARGEST) throw tooLarge(`the snapshot has more than ${LARGEST} bytes`);
    this.#module = module;
    this.#trapped = trapped;
    this.#snapshot = bytes.slice();
    this.#instance = this.#load();
    const instance = this.#instance;
    const number = (index: number) => (BigInt(instance.at(index + 1)) << 32n) | BigInt(instance.at(index));
    this.flagCount = instance.at(0);
    this.digest = number(1).toString(16).padStart(16, '0');
    this.revision = number(3);
    this.#words = instance.text(instance.place(6), instance.place(7)).split('\n');
  }

  flag(key: string): FlagId {
    const known = this.#flags.get(key);
    if (known !== undefined) return known;
    const flag = this.#find(key, 0);
    // There is no end to keys that are not there.
    if (flag >= 0) this.#flags.set(key, flag);
    return flag;
  }

  context(key?: string | null, attributes?: Attributes): PageContext {
    return new Bound(
      this,
      contextBytes(key, attributes ?? {}, (name) => this.#attribute(name)),
    );
  }

  setTrip(key: string, bits: number): boolean {
    const flag = this.flag(key);
    if (flag >= 0) this.#instance.numbers[this.#instance.place(1) / 4 + flag] = bits;
    return flag >= 0;
  }

  outcome(context: Bound, flag: FlagId, now: number): PackedDecision {
    return this.#attempt((instance) => this.#decide(instance, context, this.#known(flag), now));
  }

  outcomes(context: Bound, now: number): Uint32Array {
    return this.#attempt((instance) => {
      this.#decide(instance, context, ALL, now);
      const at = instance.place(2) / 4;
      return instance.numbers.slice(at, at + 2 * this.flagCount);
    });
  }

  decision(context: Bound, key: string, now: number): Decision {
    const id = this.#known(this.flag(key));
    return this.#attempt((instance) => {
      const outcome = this.#decide(instance, context, id, now);
      instance.exports.words(id);
      const word = this.#words[Math.min((outcome >>> 16) & 255, ARMS - 1)];
      const served = (outcome & SERVES) !== 0;
      return Object.freeze({
        enabled: isOn(outcome),
        value: servedValue(instance),
        variant: instance.textAt(0) || undefined,
        reason: (served ? word : this.#words[ERROR]) as string,
        errorCode: served ? undefined : word,
        rule: instance.textAt(2) || undefined,
        arm: this.#words[ARMS + ((outcome >>> 27) & 3)] as string,
      });
    });
  }

  /** Decides a flag, or all; answers the outcome of the one. */
  #decide(instance: Instance, context: Bound, flag: number, now: number): PackedDecision {
    instance.exports.decide(this.#slotOf(instance, context), flag, now);
    return instance.numbers[instance.place(2) / 4 + 2 * flag + 1] as number;
  }

  /** A flag that is not there is decided as the first beyond the others: the module says what that gives. */
  #known(flag: FlagId): number {
    return flag >= 0 && flag < this.flagCount ? flag : this.flagCount;
  }

  /** The id of an attribute; -2 for one that no flag reads. */
  #attribute(name: string): number {
    let id = this.#attributes.get(name);
    if (id === undefined) {
      id = this.#find(name, 1);
      id = id < 0 ? ABSENT : id;
      if (this.#attributes.size < NAMES) this.#attributes.set(name, id);
    }
    return id;
  }

  /** The id of a key or a name, or -1. */
  #find(text: string, isAttribute: number): number {
    return this.#attempt(({ bytes, exports, places }) => {
      const start = places[3] as number;
      const { read, written } = encoder.encodeInto(text, bytes.subarray(start, start + CONTEXT));
      return read < text.length ? -1 : exports.find(written, isAttribute) | 0;
    });
  }

  /** The slot of a context, which is bound if its slot was taken. */
  #slotOf(instance: Instance, context: Bound): number {
    if (this.#owners[context.slot] === context) return context.slot;
    const slot = this.#next;
    this.#next = (slot + 1) % CONTEXTS;
    this.#owners[slot] = undefined;
    instance.bytes.set(context.bytes, instance.place(4) + slot * instance.place(5));
    instance.exports.bind(slot, context.bytes.length);
    this.#owners[slot] = context;
    context.slot = slot;
    return slot;
  }

  /** Calls an instance. One that fails is of no use any more: another one is asked, once. */
  #attempt<T>(call: (instance: Instance) => T): T {
    try {
      return call(this.#instance);
    } catch (error) {
      const { numbers, places } = this.#instance;
      const trips = (places[1] as number) / 4;
      this.#owners = [];
      this.#instance = this.#load();
      this.#instance.numbers.set(numbers.subarray(trips, trips + this.flagCount), this.#instance.place(1) / 4);
      this.#trapped(error);
      return call(this.#instance);
    }
  }

  #load(): Instance {
    const instance = new Instance(this.#module);
    instance.bytes.set(this.#snapshot, instance.place(0));
    const failed = instance.exports.load(this.#snapshot.length);
    if (failed === 1) throw tooLarge('the snapshot has too many flags');
    if (failed) throw engineError('INVALID_SNAPSHOT', instance.textAt(0));
    return instance;
  }
}

/** A user as bytes. */
class Bound implements PageContext {
  readonly bytes: Uint8Array;
  /** The one that it had last. */
  slot = 0;
  readonly #page: LoadedPage;

  constructor(page: LoadedPage, bytes: Uint8Array) {
    this.#page = page;
    this.bytes = bytes;
  }

  decide(flag: FlagId, now: number): PackedDecision {
    return this.#page.outcome(this, flag, now);
  }

  isEnabled(key: string, now: number): boolean {
    return isOn(this.decide(this.#page.flag(key), now));
  }

  decision(key: string, now: number): Decision {
    return this.#page.decision(this, key, now);
  }

  decideAll(now: number): Uint32Array {
    return this.#page.outcomes(this, now);
  }
}

/** The value that the words of a decision have: see `Words` of the core. */
function servedValue(instance: Instance): JsonValue | undefined {
  const kind = instance.at(8);
  if (kind === 0) return undefined;
  if (kind > 2) return kind === 3 ? instance.textAt(4) : parseJson(instance.textAt(4));
  const number = new Float64Array(instance.numbers.slice(instance.answer + 6, instance.answer + 8).buffer)[0] as number;
  return kind === 1 ? number === 1 : number;
}
