/** The engine of the small module with breakers and metrics: see `bindings/compact`. */

import type { EngineBinding, HotCalls, Maybe, Objects } from '../binding.d.ts';
import type { Decision, Engine, JsonValue, PackedDecision } from '../contract.d.ts';
import { isOn, parseJson } from './decision.ts';
import { createEngine, type Reading } from './index.ts';

/** What the module exports: hot calls, and calls about a snapshot and mostly a flag. */
interface Exports extends Omit<HotCalls, 'decideOnce' | 'decideAll'> {
  readonly memory: WebAssembly.Memory;
  shared(): number;
  answer(): number;
  reasons(): void;
  room(length: number): number;
  load(): number;
  unload(snapshot: number): number;
  attribute(snapshot: number, id: number): number;
  key(snapshot: number, flag: number): number;
  salt(snapshot: number, flag: number): number;
  fixed(snapshot: number, flag: number): number;
  reads(snapshot: number, flag: number): number;
  trip(snapshot: number, flag: number): number;
  set_trip(snapshot: number, flag: number): number;
  bytes(snapshot: number, areTrips: boolean): number;
  words(snapshot: number, flag: number, rule: number, outcome: number): number;
  guard(snapshot: number, isFleet: boolean, now: number): number;
  record(snapshot: number, flag: number, now: number): number;
  poll(snapshot: number, now: number): number;
  transition(snapshot: number): number;
  deadline(snapshot: number): number;
  set_mode(snapshot: number, flag: number, now: number): number;
  acknowledge(snapshot: number, flag: number, generation: number, now: number): number;
  breaker(snapshot: number, flag: number): number;
  save(snapshot: number, flag: number): number;
  restore(snapshot: number, flag: number): number;
  carry(from: number, to: number, now: number): number;
  measure(snapshot: number, totals: boolean): number;
  drain(snapshot: number, instance: number, epoch: number, sequence: number): number;
  with_header(age: number, instance: number, epoch: number, sequence: number): number;
  summary(snapshot: number, flag: number): number;
  variant(snapshot: number, flag: number, index: number): number;
  set_generation(snapshot: number, flag: number, generation: number): void;
  add(snapshot: number, number: number, isValue: boolean): number;
  customs(snapshot: number): number;
  custom(index: number): number;
  decide_as(snapshot: number, slot: number, flag: number, now: number): number;
  cohorts(snapshot: number, slot: number): number;
  changed(snapshot: number, before: number, first: number, count: number): number;
  decide_once(): number;
  decide_all(): number;
}

type Fields = Record<string, number | string>;

const SAMPLE = ['total', 'errors', 'slow', 'missing'];
const DURATIONS = ['count', 'mean', 'p50', 'p95', 'p99', 'min', 'max'];

/** Names of numbers, in the order in which the module answers them; a prefix goes before those of a sample. */
const sample = (prefix: string) => SAMPLE.map((name) => prefix + name[0]?.toUpperCase() + name.slice(1));
const SAMPLES = [...SAMPLE, ...sample('control')];
const REPORT = [...SAMPLES, 'absolute', 'relative', 'slowAbsolute', 'slowRelative', 'limit', 'spread'];
const SUMMARY = ['decisions', 'users', 'errorRate', 'controlErrorRate', ...SAMPLES, ...sample('outside'), ...DURATIONS];
const TRANSITION = ['flag', 'generation', 'sequence', 'at', 'attempt', 'trips', 'percentBefore', 'percentAfter'];
const WORDS = ['event', 'cause', 'from', 'to', 'mode', 'next', 'text', 'id'];

/** The words of the module: those of reasons, the last of which are of errors; those of arms; that of all errors. */
const ERRORS = 8;
const ARMS = 11;
const ERROR = 14;

/** Where the shared memory holds data, in bytes: see `HotCalls` in the contract. */
const DATA = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What the module answers needs no reading. */
const read: Reading = {
  decision: (decision) => decision as Decision,
  objects: (objects) => objects as Fields[],
};

/**
 * An engine in a module.
 *
 * @param module `@flcm/flags-web/flags-compact.wasm`, compiled.
 */
export function createCompactEngine(module: WebAssembly.Module, version: string): Engine {
  const exports = new WebAssembly.Instance(module).exports as unknown as Exports;
  const hot = { ...exports, decideOnce: exports.decide_once, decideAll: exports.decide_all };
  const binding = new CompactBinding(exports, version);
  return createEngine({
    name: 'compact',
    binding,
    hot,
    memory: () => exports.memory.buffer,
    offset: exports.shared(),
    read,
  });
}

class CompactBinding implements EngineBinding {
  readonly #exports: Exports;
  readonly #version: string;
  readonly #shared: number;
  readonly #answer: number;
  readonly #words: readonly string[];
  /** What the module answered about the snapshot that it loaded last: the layer asks at once. */
  #flags = 0;
  #digest = '';
  #revision = 0n;
  /** Views, which growing memory takes away. */
  #numbers = new Float64Array();
  #bytes = new Uint8Array();

  constructor(exports: Exports, version: string) {
    this.#exports = exports;
    this.#version = version;
    this.#shared = exports.shared();
    this.#answer = exports.answer() / 8;
    exports.reasons();
    this.#words = this.#text(0).split('\n');
  }

  version(): string {
    return this.#version;
  }

  load(bytes: Uint8Array): number {
    const handle = this.#give(bytes) ? this.#exports.load() : -1;
    if (handle < -1) throw new Error(this.#text(0));
    this.#flags = this.#at(0);
    const number = (index: number) => (BigInt(this.#at(index + 1)) << 32n) | BigInt(this.#at(index));
    if (handle >= 0) [this.#digest, this.#revision] = [number(1).toString(16).padStart(16, '0'), number(3)];
    return handle;
  }

  unload(snapshot: number): boolean {
    return this.#exports.unload(snapshot) > 0;
  }

  revision(): bigint {
    return this.#revision;
  }

  digest(): string {
    return this.#digest;
  }

  flagCount(): number {
    return this.#flags;
  }

  attribute(snapshot: number, id: number): Maybe<string> {
    return this.#textIf(this.#exports.attribute(snapshot, id));
  }

  flagKey(snapshot: number, flag: number): Maybe<string> {
    return this.#textIf(this.#exports.key(snapshot, flag));
  }

  flagSalt(snapshot: number, flag: number): Maybe<string> {
    return this.#textIf(this.#exports.salt(snapshot, flag));
  }

  isStatic(snapshot: number, flag: number): boolean {
    return this.#exports.fixed(snapshot, flag) > 0;
  }

  reads(snapshot: number, flag: number): Maybe<Uint32Array> {
    const answer = this.#exports.reads(snapshot, flag);
    if (answer < 0) return undefined;
    const ids = this.#integers(answer >> 1).sort();
    return Uint32Array.of(...ids, answer & 1);
  }

  trip(snapshot: number, flag: number): Maybe<string> {
    return this.#exports.trip(snapshot, flag) ? this.#trip(0) : undefined;
  }

  setTrip(snapshot: number, flag: number, state: string): boolean {
    return this.#give(state) && this.#exports.set_trip(snapshot, flag) > 0;
  }

  trips(snapshot: number): Maybe<Uint8Array> {
    return this.#bytesIf(this.#exports.bytes(snapshot, true));
  }

  bytes(snapshot: number): Maybe<Uint8Array> {
    return this.#bytesIf(this.#exports.bytes(snapshot, false));
  }

  decisionText(snapshot: number, flag: number, rule: number, outcome: PackedDecision): Decision {
    const isFlag = this.#exports.words(snapshot, flag, rule, outcome) > 0;
    const word = this.#words[Math.min((outcome >>> 16) & 255, ARMS - 1)] as string;
    const isError = ((outcome >>> 16) & 255) >= ERRORS;
    return Object.freeze({
      enabled: isOn(outcome),
      value: isFlag ? this.#value() : undefined,
      variant: (isFlag && this.#text(0)) || undefined,
      reason: isError ? (this.#words[ERROR] as string) : word,
      errorCode: isError ? word : undefined,
      rule: (isFlag && this.#text(2)) || undefined,
      arm: this.#words[ARMS + ((outcome >>> 27) & 3)] as string,
    });
  }

  guard(snapshot: number, scope: string, now: number): boolean {
    return this.#exports.guard(snapshot, scope === 'fleet', now) > 0;
  }

  record(snapshot: number, flag: number, counts: Uint32Array, now: number): Objects {
    this.#give(new Uint8Array(counts.buffer));
    return this.#happened(snapshot, this.#exports.record(snapshot, flag, now));
  }

  poll(snapshot: number, now: number): Objects {
    return this.#happened(snapshot, this.#exports.poll(snapshot, now));
  }

  transitions(snapshot: number): Objects {
    return this.#happened(snapshot, 1);
  }

  nextDeadline(snapshot: number): Maybe<number> {
    const deadline = this.#exports.deadline(snapshot);
    return Number.isNaN(deadline) ? undefined : deadline;
  }

  setMode(snapshot: number, flag: number, mode: string, now: number): Maybe<Objects> {
    const count = this.#give(mode) ? this.#exports.set_mode(snapshot, flag, now) : -1;
    return count < 0 ? undefined : this.#happened(snapshot, count);
  }

  acknowledge(snapshot: number, flag: number, generation: number, now: number): Objects {
    return this.#happened(snapshot, this.#exports.acknowledge(snapshot, flag, generation, now));
  }

  breaker(snapshot: number, flag: number): Maybe<Objects> {
    if (!this.#exports.breaker(snapshot, flag)) return undefined;
    const report: Fields = { state: this.#text(0), mode: this.#text(2), trip: this.#trip(4) };
    return [this.#fill(report, ['generation', 'clockBack', 'refused', ...REPORT], 7)];
  }

  save(snapshot: number, flag: number): Maybe<Uint8Array> {
    return this.#bytesIf(this.#exports.save(snapshot, flag));
  }

  restore(snapshot: number, flag: number, bytes: Uint8Array): boolean {
    const restored = this.#give(bytes) ? this.#exports.restore(snapshot, flag) : 0;
    if (restored > 1) throw new Error(this.#text(0));
    return restored > 0;
  }

  carry(from: number, to: number, now: number): Objects {
    return this.#happened(to, this.#exports.carry(from, to, now));
  }

  measure(snapshot: number): boolean {
    return this.#exports.measure(snapshot, false) > 0;
  }

  measureTotals(snapshot: number): boolean {
    return this.#exports.measure(snapshot, true) > 0;
  }

  drain(snapshot: number, instance: number, epoch: number, sequence: number): Maybe<Uint8Array> {
    return this.#bytesIf(this.#exports.drain(snapshot, instance, epoch, sequence));
  }

  summary(snapshot: number, flag: number): Maybe<Objects> {
    const { summary, variant } = this.#exports;
    if (!summary(snapshot, flag)) return undefined;
    const objects = [this.#fill({}, SUMMARY, 0)];
    const tallies = this.#integers(3 * this.#at(SUMMARY.length));
    for (let at = 0; at < tallies.length; at += 3) {
      const [index, code, count] = tallies.subarray(at, at + 3) as unknown as [number, number, number];
      const name = variant(snapshot, flag, index) ? { variant: this.#text(0) } : {};
      objects.push({ ...name, reason: this.#words[code < ERRORS ? code : ERROR] as string, count });
    }
    return objects;
  }

  setGeneration(snapshot: number, flag: number, generation: number): boolean {
    this.#exports.set_generation(snapshot, flag, generation);
    return true;
  }

  add(snapshot: number, name: string, amount: number): boolean {
    return this.#give(name) && this.#exports.add(snapshot, amount, false) > 0;
  }

  observe(snapshot: number, name: string, value: number): boolean {
    return this.#give(name) && this.#exports.add(snapshot, value, true) > 0;
  }

  custom(snapshot: number): Objects {
    const objects: Fields[] = [{ dropped: this.#exports.customs(snapshot) }];
    for (;;) {
      const kind = this.#exports.custom(objects.length - 1);
      if (kind === 0) return objects;
      objects.push(this.#fill({ name: this.#text(0) }, kind === 1 ? ['amount'] : DURATIONS, 2));
    }
  }

  withHeader(batch: Uint8Array, age: number, instance: number, epoch: number, sequence: number): Uint8Array {
    this.#give(batch);
    if (!this.#exports.with_header(age, instance, epoch, sequence)) throw new Error(this.#text(0));
    return this.#copy();
  }

  decideAs(snapshot: number, slot: number, flag: number, serve: string, now: number): Maybe<PackedDecision> {
    const outcome = this.#give(serve) ? this.#exports.decide_as(snapshot, slot, flag, now) : -1;
    return outcome < 0 ? undefined : outcome;
  }

  cohorts(snapshot: number, slot: number): Maybe<string> {
    return this.#textIf(this.#exports.cohorts(snapshot, slot));
  }

  changed(snapshot: number, before: number, first: number, count: number): Maybe<Uint8Array> {
    return this.#bytesIf(this.#exports.changed(snapshot, before, first, count));
  }

  /** Writes what the call that comes is to be given; false when there is no room. */
  #give(given: Uint8Array | string): boolean {
    const bytes = typeof given === 'string' ? encoder.encode(given) : given;
    const place = this.#exports.room(bytes.length);
    this.#view();
    if (place) this.#bytes.set(bytes, place);
    return place > 0;
  }

  #view(): void {
    const { buffer } = this.#exports.memory;
    if (this.#bytes.buffer === buffer) return;
    this.#numbers = new Float64Array(buffer);
    this.#bytes = new Uint8Array(buffer);
  }

  /** A number of the answer. */
  #at(index: number): number {
    this.#view();
    return this.#numbers[this.#answer + index] as number;
  }

  /** Numbers that a call has left in the shared memory. */
  #integers(count: number): Uint32Array {
    return new Uint32Array(this.#exports.memory.buffer, this.#shared + DATA, count).slice();
  }

  /** The bytes whose place is the answer. */
  #copy(): Uint8Array {
    const start = this.#at(0);
    return this.#bytes.slice(start, start + this.#at(1));
  }

  #bytesIf(found: number): Maybe<Uint8Array> {
    return found ? this.#copy() : undefined;
  }

  /** A text whose place is part of the answer. */
  #text(index: number): string {
    const start = this.#at(index);
    return decoder.decode(this.#bytes.subarray(start, start + this.#at(index + 1)));
  }

  #textIf(found: number): Maybe<string> {
    return found ? this.#text(0) : undefined;
  }

  /** The state of a trip: its keyword, and the percentage of a cap. */
  #trip(index: number): string {
    const cap = this.#at(index + 2);
    return Number.isNaN(cap) ? this.#text(index) : `${this.#text(index)} ${cap}`;
  }

  /** The value among the words of a decision: see `Words` of the core. */
  #value(): JsonValue | undefined {
    const [number, kind] = [this.#at(6), this.#at(7)];
    if (kind > 2) return kind === 3 ? this.#text(4) : parseJson(this.#text(4));
    return kind === 0 ? undefined : kind === 1 ? number === 1 : number;
  }

  #fill(fields: Fields, names: readonly string[], first: number): Fields {
    for (const [at, name] of names.entries()) fields[name] = this.#at(first + at);
    return fields;
  }

  /** The transitions that wait, if some do. */
  #happened(snapshot: number, waiting: number): Objects {
    const transitions: Fields[] = [];
    while (waiting > 0 && this.#exports.transition(snapshot)) {
      const texts = WORDS.map((name, at) => [name, this.#text(2 * at)] as const).filter(([, text]) => text !== '');
      const fields = this.#fill(Object.fromEntries(texts), [...TRANSITION, 'notable', ...REPORT, 'nextAt'], 16);
      if (Number.isNaN(fields.nextAt)) delete fields.nextAt;
      transitions.push(fields);
    }
    return transitions;
  }
}
