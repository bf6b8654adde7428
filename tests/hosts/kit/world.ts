import { createFeatures, type FeatureErrorCode, type FeatureEvents } from '@flcm/features';
import { expect, onTestFinished } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { FlagServer, soon } from '../../kit/server.ts';
import { Diary } from './diary.ts';
import type { Host, HostOptions, TestClock } from './host.ts';
import { PageHost } from './page.ts';
import { agent, answered, RustClock, RustHost } from './rust.ts';
import { HOST } from './which.ts';

/** What is in use when a fault begins. */
export const BEFORE = 'revision: 1\nflags: { old: { rollout: { percentage: 100 } }, new: { enabled: false } }';

/** What is published meanwhile. */
export const AFTER = 'revision: 2\nflags: { old: { enabled: false }, new: { rollout: { percentage: 100 } } }';

/** The platform's `fetch`, which counts the requests that wait for an answer. */
class Requests {
  waiting = 0;

  readonly fetch: typeof fetch = async (...request) => {
    this.waiting++;
    try {
      return await fetch(...request);
    } finally {
      this.waiting--;
    }
  };

  /** Waits until each is answered; of a server that hangs no answer is to be expected. */
  async answered(): Promise<void> {
    const start = performance.now();
    while (this.waiting > 0 && performance.now() - start < 300) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A host that is being started, and what a test has in hand of it meanwhile. */
export interface Beginning {
  readonly clock: TestClock;
  readonly diary: Diary;
  readonly starting: Promise<Host>;
  /** Waits until each request is answered. */
  readonly answered: () => Promise<void>;
}

/** Options of a test. */
export type WorldOptions = HostOptions & { readonly clock?: TestClock };

/** A clock for a host, and for whatever it needs one. */
export function testClock(): TestClock {
  return HOST === 'rust' ? new RustClock() : new ManualClock();
}

/** Begins to follow any source. */
export function begin({ clock = testClock(), ...options }: WorldOptions): Beginning {
  if (clock instanceof RustClock) {
    const diary = new Diary(() => agent().ask({ ask: 'events' }));
    return { clock, diary, starting: RustHost.start(options, clock, diary.listeners), answered: () => answered() };
  }
  const [diary, requests] = [new Diary(), new Requests()];
  const given = { fetch: requests.fetch, ...options };
  const time = clock as ManualClock;
  const starting: Promise<Host> =
    HOST === 'page'
      ? PageHost.start(given, time, diary.listeners)
      : createFeatures({ ...given, clock: time }, diary.listeners);
  return { clock, diary, starting, answered: () => requests.answered() };
}

/** Flags that follow a source, on a clock that a test steps. Closed when the test is over, and nothing may be left then. */
export class World {
  readonly clock: TestClock;
  readonly diary: Diary;
  readonly features: Host;
  readonly #answered: () => Promise<void>;

  constructor({ clock, diary, answered }: Beginning, features: Host) {
    this.clock = clock;
    this.diary = diary;
    this.features = features;
    this.#answered = answered;
  }

  get codes(): FeatureErrorCode[] {
    return this.diary.codes;
  }

  isOn(flag: string): boolean {
    return this.features.isEnabled(flag, 'alice');
  }

  /**
   * Lets timers ring, and each request end in between, until something holds; answers how long that took by the clock. Time stands still
   * while a request is under way: a slow machine fails no test.
   */
  async until(holds: () => boolean, mostMs = 3_600_000): Promise<number> {
    const start = this.clock.elapsed();
    for (;;) {
      await this.#answered();
      await this.features.remote.settled;
      if (!holds()) await soon(holds);
      if (holds()) return this.clock.elapsed() - start;
      if (this.clock.elapsed() - start > mostMs) throw new Error(`it did not happen within ${mostMs} ms`);
      await this.clock.pass(this.clock.next ?? 1000);
    }
  }
}

/** Flags of any source: no stream and no counts, unless a test is about them. */
export async function world(options: WorldOptions): Promise<World> {
  const beginning = begin({ stream: false, metrics: false, ...options });
  const features = await beginning.starting;
  const { clock } = beginning;
  onTestFinished(async () => {
    await features.close();
    expect(clock.waiting).toBe(0);
  });
  return new World(beginning, features);
}

/** Lets a host go on for so many turns of its own. */
export async function turns(many: number): Promise<void> {
  if (HOST === 'rust') return agent().turns(many);
  for (let turn = 0; turn < many; turn++) await Promise.resolve();
}

/** The process in which hosts are. */
export function pid(): number | undefined {
  return HOST === 'rust' ? agent().process.pid : process.pid;
}

/** Closes as soon as something happens. */
export function closeOn(features: Host, event: keyof FeatureEvents): void {
  if (features instanceof RustHost) features.closeOn(event);
  else features.on(event, () => void features.close());
}

/** A server of its own for a test. */
export async function served(document: string = BEFORE): Promise<FlagServer> {
  const server = await FlagServer.start(document);
  onTestFinished(() => server.kill());
  return server;
}

/** Flags that follow a server. */
export async function follow(options: WorldOptions = {}): Promise<{ server: FlagServer; at: World }> {
  const server = await served();
  const at = await world({ url: server.url, ...options });
  return { server, at };
}
