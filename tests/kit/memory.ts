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

/** A size for people. */
export const kib = (bytes: number): string => `${Math.round(bytes / 1024)} KiB`;
