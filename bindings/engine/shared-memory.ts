import type { CallOutcome, Time } from '../contract.d.ts';
import type { ContextInput, Present } from './attribute-reader.ts';
import { engineError, nameOf } from './error.ts';

/** Bytes of shared memory, and where its data begins: see `HotCalls` in the contract. */
export const SIZE: number = 1 << 20;
const DATA = 64;

/** 2^53 milliseconds after 1970, the last time that the core knows. */
const LAST_TIME = 2 ** 53;

/** The bits of an outcome that hold its arm, as the core numbers them. */
const ARM = 27;

/** The id of an item of a list. */
const ITEM = -2;

const ABSENT = 0;
const FALSE = 1;
const TRUE = 2;
const NUMBER = 3;
const TEXT = 4;
const LIST = 5;

const encoder = new TextEncoder();

/** The memory that the engine shares: the only module on this side that knows its layout. */
export class SharedMemory {
  readonly #memory: () => ArrayBuffer;
  readonly #offset: number;
  /** Registers and entries. */
  #integers = new Int32Array(0);
  #numbers = new Float64Array(0);
  #bytes = new Uint8Array(0);
  /** Where the next text goes. */
  #end = 0;

  constructor(memory: () => ArrayBuffer, offset: number) {
    this.#memory = memory;
    this.#offset = offset;
  }

  /**
   * Makes the views anew when they are gone: wasm memory that grows, for whatever reason, is taken away from under them,
   * and writing to such a view does nothing. So everything here that is called from outside begins with this.
   */
  #view(): void {
    if (this.#integers.length > 0) return;
    const buffer = this.#memory();
    this.#integers = new Int32Array(buffer, this.#offset, SIZE / 4);
    this.#numbers = new Float64Array(buffer, this.#offset, SIZE / 8);
    this.#bytes = new Uint8Array(buffer, this.#offset, SIZE);
  }

  /** The arguments of a call about a flag. */
  ask(snapshot: number, slot: number, flag: number, now: number): void {
    this.#view();
    this.#numbers[2] = checkedTime(now);
    this.#integers[0] = snapshot;
    this.#integers[1] = slot;
    this.#integers[2] = flag;
  }

  /** An outcome that was decided so often; the rule does not count. */
  writeDecided(outcome: number, times: number): void {
    this.#view();
    this.#integers[3] = times;
    this.#integers[7] = outcome;
  }

  /** How the feature turned out for one user. */
  writeOutcome(outcome: number, { failed, missing, durationMs, generation = 0 }: CallOutcome): void {
    this.#view();
    const arm = (outcome >>> ARM) & 3;
    if (arm === 3) throw engineError('INVALID_ARGUMENT', `${nameOf(outcome)} is no outcome of a decision`);
    this.#integers[8] = (outcome << 16) | (missing ? 512 : 0) | (failed ? 256 : 0) | arm;
    this.#integers[9] = generation;
    this.#numbers[5] = durationMs ?? Number.NaN;
  }

  /** The rule of the decision that was made last. */
  get rule(): number {
    this.#view();
    return (this.#integers[6] as number) >>> 0;
  }

  /** A copy of the outcomes of the call that decided every flag. */
  copyOutcomes(flags: number, out: Uint32Array): void {
    this.#view();
    out.set(new Uint32Array(this.#integers.buffer, this.#offset + DATA, flags * 2));
  }

  /** Writes a flag key. */
  writeKey(snapshot: number, key: string): void {
    this.#view();
    this.#end = DATA;
    this.#integers[0] = snapshot;
    this.#integers[3] = this.#writeText(key);
  }

  /** Writes a context. */
  writeContext({ key, pairs, length, entries }: ContextInput): void {
    this.#view();
    this.#end = DATA + 16 + entries * 16;
    if (this.#end > SIZE) throw tooLarge();
    let at = DATA / 4;
    this.#writeEntry(at, entries, key);
    at += 4;
    for (let i = 0; i < length; i += 2) {
      const value = pairs[i + 1] as Present;
      this.#writeEntry(at, pairs[i] as number, value);
      at += 4;
      if (typeof value !== 'object') continue;
      for (const item of value) {
        this.#writeEntry(at, ITEM, item);
        at += 4;
      }
    }
    this.#integers[3] = this.#end - DATA;
  }

  #writeEntry(at: number, id: number, value: Present | undefined): void {
    const integers = this.#integers;
    integers[at] = id;
    if (typeof value === 'string') {
      integers[at + 1] = TEXT;
      integers[at + 2] = this.#end - DATA;
      integers[at + 3] = this.#writeText(value);
    } else if (typeof value === 'number') {
      integers[at + 1] = NUMBER;
      this.#numbers[(at >> 1) + 1] = value;
    } else if (typeof value === 'object') {
      integers[at + 1] = LIST;
      integers[at + 2] = value.length;
    } else {
      integers[at + 1] = value === undefined ? ABSENT : value ? TRUE : FALSE;
    }
  }

  /** Writes a text behind what was written before; returns its length in bytes. */
  #writeText(text: string): number {
    const start = this.#end;
    const { length } = text;
    // A UTF-16 unit becomes at most three bytes.
    if (length * 3 > SIZE - start) throw tooLarge();
    const bytes = this.#bytes;
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 127) return this.#encodeText(text, start);
      bytes[start + i] = unit;
    }
    this.#end = start + length;
    return length;
  }

  /** Like the loop, which is faster for the short ASCII texts that most are. Lone surrogates become U+FFFD. */
  #encodeText(text: string, start: number): number {
    const { written } = encoder.encodeInto(text, this.#bytes.subarray(start));
    this.#end = start + written;
    return written;
  }
}

/** Writes decisions that were made on this side: see `HotCalls.countWritten` in the contract. */
export function writeDecisions(memory: ArrayBuffer, offset: number, snapshot: number, decisions: Uint8Array): void {
  const registers = new Int32Array(memory, offset, DATA / 4);
  registers[0] = snapshot;
  registers[3] = decisions.length;
  new Uint8Array(memory, offset + DATA).set(decisions);
}

/** A time as a number, which a clock is asked for only where it may change the decision. */
export function timeOf(now: Time, timed: boolean): number {
  if (typeof now === 'number') return now;
  if (typeof now?.now !== 'function') throw noTime(now);
  return timed ? now.now() : 0;
}

/** A time that the core knows. */
export function checkedTime(now: number): number {
  if (typeof now !== 'number' || !(now >= 0 && now <= LAST_TIME)) throw noTime(now);
  return now;
}

function noTime(now: unknown): Error {
  return engineError('INVALID_ARGUMENT', `\`now\` must be milliseconds from 1970, not ${nameOf(now)}`);
}

function tooLarge(): Error {
  const most = Math.floor((SIZE - DATA) / 3);
  return engineError('INVALID_CONTEXT', `the context is too large: its texts may have ${most} characters in all`);
}
