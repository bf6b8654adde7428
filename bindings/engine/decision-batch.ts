import type { PackedDecision } from '../contract.d.ts';
import type { LoadedSnapshot } from './loaded-snapshot.ts';

/** Bytes of decisions that are counted at once. */
const SIZE = 8192;

/** Bytes of a decision without its key: flag, outcome, length of the key. */
const HEAD = 12;

/** A UTF-16 unit becomes at most three bytes; and an entry begins at a multiple of four. */
const LONGEST_KEY = Math.floor((SIZE - HEAD - 4) / 3);

const encoder = new TextEncoder();

/** Decisions that were made on this side, and their users, for the engine to count many at a time. */
export class DecisionBatch {
  readonly #loaded: LoadedSnapshot;
  readonly #numbers = new Int32Array(SIZE / 4);
  readonly #bytes: Uint8Array = new Uint8Array(this.#numbers.buffer);
  /** Where the next decision goes. */
  #end = 0;

  constructor(loaded: LoadedSnapshot) {
    this.#loaded = loaded;
  }

  /** Takes a decision for a user; false for one that the engine has to read itself, because it is long or none at all. */
  add(flag: number, outcome: PackedDecision, key: unknown): boolean {
    if (typeof key === 'string' ? key.length > LONGEST_KEY : key != null) return false;
    if (!this.#loaded.measuring) return true;
    const longest = HEAD + (typeof key === 'string' ? key.length * 3 : 0);
    if (longest > SIZE - this.#end) this.count();
    const at = this.#end >> 2;
    const numbers = this.#numbers;
    numbers[at] = flag;
    numbers[at + 1] = outcome;
    const length = typeof key === 'string' ? this.#write(key, this.#end + HEAD) : -1;
    numbers[at + 2] = length;
    this.#end = (this.#end + HEAD + Math.max(0, length) + 3) & ~3;
    return true;
  }

  /** Has the engine count what was taken. */
  count(): void {
    if (this.#end === 0) return;
    this.#loaded.countWritten(this.#bytes.subarray(0, this.#end));
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
