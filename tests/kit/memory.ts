import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Store } from '@flcm/features';

/** Keeps everything in memory, and may be told to fail. */
export class MemoryStore implements Store {
  readonly values: Map<string, Uint8Array> = new Map<string, Uint8Array>();
  failing = false;

  async get(name: string): Promise<Uint8Array | undefined> {
    return this.values.get(name);
  }

  async set(name: string, bytes: Uint8Array): Promise<void> {
    if (this.failing) throw new Error('disk full');
    this.values.set(name, bytes);
  }

  async delete(name: string): Promise<void> {
    this.values.delete(name);
  }

  async names(): Promise<readonly string[]> {
    return [...this.values.keys()];
  }
}

setFlagsFromString('--expose-gc');

/** Collects garbage now. */
export const collectGarbage: () => void = runInNewContext('gc');

/** Memory of the process once garbage is collected, in bytes: of JavaScript's heap, and of all. */
export function collected(): { heap: number; all: number } {
  for (let times = 0; times < 3; times++) collectGarbage();
  const { heapUsed, rss } = process.memoryUsage();
  return { heap: heapUsed, all: rss };
}

/**
 * By how many bytes a process grows that does something again and again. It does so ten times. What grows once has
 * grown after four. From then on the least of three rounds counts, because the process keeps free memory for a while,
 * longer when the machine is busy.
 */
export async function growth(round: (time: number) => unknown): Promise<{ heap: number; all: number }> {
  const rounds: ReturnType<typeof collected>[] = [];
  for (let time = 0; time < 10; time++) {
    await round(time);
    rounds.push(collected());
  }
  const least = (from: number, of: 'heap' | 'all') =>
    Math.min(...rounds.slice(from, from + 3).map((round) => round[of]));
  return { heap: least(7, 'heap') - least(4, 'heap'), all: least(7, 'all') - least(4, 'all') };
}

/** A size for people. */
export const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
