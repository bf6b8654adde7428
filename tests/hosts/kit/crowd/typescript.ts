import { setImmediate } from 'node:timers/promises';
import type { CircuitBreaker, Clock, Engine } from '@flcm/features';
import { RemoteConfig } from '@flcm/features';
import { Events } from '../../../../.flcm-core/features/events.ts';
import { InUse } from '../../../../.flcm-core/features/in-use.ts';
import type { FetchResult, Source } from '../../../../.flcm-core/features/remote-config/source.ts';
import { phaseOf } from '../../../../.flcm-core/features/schedule.ts';
import { NOW } from '../../../kit/clock.ts';
import type { Crowd, CrowdOptions } from '../crowd.ts';

/** What is called at one moment, in one turn: requests are counted by seconds. */
const TURN = 50;

interface Timer {
  readonly at: number;
  callback: (() => void) | undefined;
}

/** Timers of a whole crowd, on a heap: the next one is at the top. */
class Queue {
  elapsed = 0;
  readonly #heap: Timer[] = [];

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.elapsed + Math.max(0, ms), callback };
    if (Number.isFinite(timer.at)) this.#push(timer);
    return () => {
      timer.callback = undefined;
    };
  }

  async pass(ms: number): Promise<void> {
    const end = this.elapsed + ms;
    while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= end) {
      const turn = Math.min(end, (this.#heap[0]?.at ?? end) + TURN);
      while ((this.#heap[0]?.at ?? Number.POSITIVE_INFINITY) <= turn) {
        const timer = this.#pop();
        this.elapsed = Math.max(this.elapsed, timer.at);
        timer.callback?.();
      }
      await setImmediate();
    }
    this.elapsed = end;
  }

  #push(timer: Timer): void {
    const heap = this.#heap;
    let at = heap.length;
    for (; at > 0; at = (at - 1) >> 1) {
      const above = heap[(at - 1) >> 1] as Timer;
      if (above.at <= timer.at) break;
      heap[at] = above;
    }
    heap[at] = timer;
  }

  #pop(): Timer {
    const heap = this.#heap;
    const top = heap[0] as Timer;
    const last = heap.pop() as Timer;
    let at = 0;
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if ((heap[below + 1]?.at ?? Number.POSITIVE_INFINITY) < (heap[below] as Timer).at) below++;
      const next = heap[below] as Timer;
      if (next.at >= last.at) break;
      heap[at] = next;
      at = below;
    }
    if (heap.length > 0) heap[at] = last;
    return top;
  }
}

/** Numbers of chance that are the same each time (mulberry32). */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Loads anything, and decides nothing. */
const engine = {
  load: (bytes: Uint8Array) => ({ digest: `${bytes[0]}`, revision: 0n, flagCount: 0, free: () => {} }),
} as unknown as Engine;

/** Hosts that follow one server, on one clock that is as fast as the machine. Each is a real `RemoteConfig`. */
export class TypeScriptCrowd implements Crowd {
  readonly asked: number[] = [];
  readonly streamed: number[] = [];
  #isUp = true;
  readonly #queue = new Queue();
  readonly #hosts: RemoteConfig[] = [];
  readonly #streams = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #version = 1;

  constructor({ hosts, streams, warm = true }: CrowdOptions) {
    const random = chance(hosts);
    for (let host = 0; host < hosts; host++) {
      const parts = this.#parts(host);
      const phase = phaseOf(Math.floor(random() * Number.MAX_SAFE_INTEGER));
      const [silenceMs, timeoutMs] = [Number.POSITIVE_INFINITY, 5000];
      const stream = { url: '', headers: {}, silenceMs, timeoutMs, spreadMs: 1000, fetch: this.#stream };
      const remote = new RemoteConfig(parts, {
        source: this.#source,
        bootstrap: warm ? Uint8Array.of(this.#version) : undefined,
        store: undefined,
        trust: undefined,
        stream: streams ? stream : undefined,
        keepsStream: streams,
        pollIntervalMs: 60_000,
        staleAfterMs: 180_000,
        phase,
      });
      this.#hosts.push(remote);
      // They began at any time.
      this.#queue.after(random() * 60_000, () => void remote.open());
    }
  }

  get connected(): number {
    return this.#streams.size;
  }

  get now(): number {
    return this.#queue.elapsed;
  }

  pass(ms: number): Promise<void> {
    return this.#queue.pass(ms);
  }

  async outage(ms: number): Promise<void> {
    this.#isUp = false;
    for (const stream of this.#streams) stream.error(new TypeError('terminated'));
    this.#streams.clear();
    await this.pass(ms);
    this.#isUp = true;
  }

  async publish(): Promise<void> {
    this.#version++;
    for (const stream of this.#streams) stream.enqueue(this.#announcement());
    await setImmediate();
  }

  async close(): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host.close()));
  }

  #parts(host: number): ConstructorParameters<typeof RemoteConfig>[0] {
    const queue = this.#queue;
    const clock: Clock = {
      now: () => NOW + queue.elapsed,
      elapsed: () => queue.elapsed,
      random: chance(host + 1),
      after: (ms, callback) => queue.after(ms, callback),
    };
    const events = new Events();
    events.on('error', () => {});
    const breaker = { obey: () => {} } as unknown as CircuitBreaker;
    return { clock, events, breaker, inUse: new InUse(engine, clock, events) };
  }

  readonly #source: Source = {
    name: 'crowd',
    get: async (etag): Promise<FetchResult> => {
      this.asked.push(this.now);
      if (!this.#isUp) throw new TypeError('fetch failed');
      if (etag === `${this.#version}`) return { etag };
      return { snapshot: Uint8Array.of(this.#version), etag: `${this.#version}` };
    },
  };

  readonly #stream = (async (_: unknown, { signal }: RequestInit) => {
    this.streamed.push(this.now);
    if (!this.#isUp) throw new TypeError('fetch failed');
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#streams.add(controller);
        controller.enqueue(this.#announcement());
        signal?.addEventListener('abort', () => this.#streams.delete(controller));
      },
    });
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
  }) as typeof fetch;

  #announcement(): Uint8Array {
    return new TextEncoder().encode(`event: snapshot\ndata: {"digest":"${this.#version}"}\n\n`);
  }
}
