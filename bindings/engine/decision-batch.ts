import type { PackedDecision } from '../contract.d.ts';

/** Bytes of decisions that are counted at once. */
const SIZE = 8192;

/** Bytes of a decision without its key: flag, outcome, length of the key. */
const HEAD = 12;

/** A UTF-16 unit becomes at most three bytes; and an entry begins at a multiple of four. */
const LONGEST_KEY = Math.floor((SIZE - HEAD - 4) / 3);

const encoder = new TextEncoder();

/** Decisions that were made on this side, and their users, for the engine to count many at a time. */
export class DecisionBatch {
  readonly #count: (decisions: Uint8Array) => void;
  readonly #numbers = new Int32Array(SIZE / 4);
  readonly #bytes: Uint8Array = new Uint8Array(this.#numbers.buffer);
  /** Where the next decision goes. */
  #end = 0;

  /** @param count Has the engine count them: see `HotCalls.countWritten` in the contract. */
  constructor(count: (decisions: Uint8Array) => void) {
    this.#count = count;
  }

  /** Takes a decision for a user whose key {@link isShort}. */
  add(flag: number, outcome: PackedDecision, key: string | undefined): void {
    const longest = HEAD + (key === undefined ? 0 : key.length * 3);
    if (longest > SIZE - this.#end) this.count();
    const at = this.#end >> 2;
    const numbers = this.#numbers;
    numbers[at] = flag;
    numbers[at + 1] = outcome;
    const length = key === undefined ? -1 : this.#write(key, this.#end + HEAD);
    numbers[at + 2] = length;
    this.#end = (this.#end + HEAD + Math.max(0, length) + 3) & ~3;
  }

  /** Has the engine count what was taken. */
  count(): void {
    if (this.#end === 0) return;
    this.#count(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
  }

  /** Writes a key; answers its length in bytes. */
  #write(key: string, start: number): number {
    const bytes = this.#bytes;
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      if (unit > 127) return encoder.encodeInto(key, bytes.subarray(start)).written;
      bytes[start + i] = unit;
    }
    return key.length;
  }
}

/** Whether a key fits into a batch. */
export function isShort(key: string | undefined): boolean {
  return key === undefined || key.length <= LONGEST_KEY;
}
