import { createFeatures, type FeatureErrorCode, type FeatureFlagManager, type FeaturesOptions } from '@flcm/features';
import { expect, onTestFinished } from 'vitest';
import { ManualClock } from './clock.ts';
import { FlagServer, soon } from './server.ts';

/** What is in use when a fault begins. */
export const BEFORE = 'revision: 1\nflags: { old: { rollout: { percentage: 100 } }, new: { enabled: false } }';

/** What is published meanwhile. */
export const AFTER = 'revision: 2\nflags: { old: { enabled: false }, new: { rollout: { percentage: 100 } } }';

/** Everything that can be listened to. */
const EVENTS = [
  'change',
  'sync',
  'state',
  'stale',
  'error',
  'rollback',
  'probe',
  'recovered',
  'breaker',
  'fleet',
  'flush',
] as const;

/** What has happened, in its order. */
export class Diary {
  readonly events: { event: string; of: unknown }[] = [];
  /** To be given to `createFeatures`. */
  readonly listeners: Record<(typeof EVENTS)[number], (of: unknown) => void> = Object.fromEntries(
    EVENTS.map((event) => [event, (of: unknown) => this.events.push({ event, of })]),
  ) as never;

  /** What was said under a name. */
  of(event: (typeof EVENTS)[number]): unknown[] {
    return this.events.filter((entry) => entry.event === event).map(({ of }) => of);
  }

  /** Codes of errors. */
  get codes(): FeatureErrorCode[] {
    return this.of('error').map((error) => (error as { code: FeatureErrorCode }).code);
  }
}

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

/** Flags that follow a source, on a clock that a test steps. Closed when the test is over, and nothing may be left then. */
export class World {
  readonly clock: ManualClock;
  readonly diary: Diary;
  readonly features: FeatureFlagManager;
  readonly #requests: Requests;

  constructor(clock: ManualClock, diary: Diary, features: FeatureFlagManager, requests: Requests) {
    this.clock = clock;
    this.diary = diary;
    this.features = features;
    this.#requests = requests;
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
      await this.#requests.answered();
      await this.features.remote.settled;
      if (!holds()) await soon(holds);
      if (holds()) return this.clock.elapsed() - start;
      if (this.clock.elapsed() - start > mostMs) throw new Error(`it did not happen within ${mostMs} ms`);
      await this.clock.pass(this.clock.next ?? 1000);
    }
  }
}

/** Options of a test: no stream and no counts, unless it is about them. */
export type WorldOptions = Partial<FeaturesOptions> & { readonly clock?: ManualClock };

/** Flags of any source. */
export async function world(options: WorldOptions): Promise<World> {
  const { clock = new ManualClock() } = options;
  const diary = new Diary();
  const requests = new Requests();
  const defaults = { stream: false, metrics: false, fetch: requests.fetch };
  const features = await createFeatures({ ...defaults, ...options, clock }, diary.listeners);
  onTestFinished(async () => {
    await features.close();
    expect(clock.waiting).toBe(0);
  });
  return new World(clock, diary, features, requests);
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
