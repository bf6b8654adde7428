import type { FlagSummary } from '@flcm/features';
import { createFeatures, type FeatureErrorCode, type FeatureFlagManager, type FeaturesOptions } from '@flcm/features';

/** Something that happened to a host, and when, in milliseconds since 1970. */
export interface Entry {
  readonly at: number;
  readonly event: 'sync' | 'fleet' | 'rollback' | 'flush' | FeatureErrorCode;
  readonly retryAfterMs?: number | undefined;
}

/** Users who are looked at. */
export const USERS: readonly string[] = Array.from({ length: 40 }, (_, user) => `user-${user}`);

/** An application with flags, which does what a test says: the same code in a process of Node and on a page. */
export class Agent {
  /** Whoever calls this agent's features: no two hosts have the same. */
  #name = '';
  #users = 0;
  #features: FeatureFlagManager | undefined;
  readonly #diary: Entry[] = [];

  /** Creates features. `hurried`: what waits for a time that chance gives, such as a stream that broke, comes soon. */
  async create(name: string, options: FeaturesOptions, hurried = false): Promise<void> {
    this.#name = name;
    if (hurried) {
      const { random } = Math;
      Math.random = () => random() / 20;
    }
    const note = (event: Entry['event'], retryAfterMs?: number) =>
      void this.#diary.push({ at: Date.now(), event, retryAfterMs });
    this.#features = await createFeatures(options, {
      error: ({ code, retryAfterMs, cause }) =>
        note(code, retryAfterMs ?? (cause as { retryAfterMs?: number } | undefined)?.retryAfterMs),
      sync: () => note('sync'),
      fleet: () => note('fleet'),
      rollback: () => note('rollback'),
      flush: () => note('flush'),
    });
  }

  /** How many of forty users have a feature. Is not counted. */
  async on(flag: string): Promise<number> {
    return USERS.filter((user) => this.#its.decideAll(user)[flag]?.enabled === true).length;
  }

  /** Waits until so many of forty users have a feature; answers when that was. */
  async reaches(flag: string, count: number, withinMs = 60_000): Promise<number> {
    const start = Date.now();
    while ((await this.on(flag)) !== count) {
      if (Date.now() - start > withinMs) {
        throw new Error(`${this.#name}: ${flag} is on for ${await this.on(flag)} of 40, not for ${count}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
    return Date.now();
  }

  /** Waits until something has happened so often; answers when that was. */
  async happens(event: Entry['event'], times = 1, withinMs = 60_000): Promise<number> {
    const start = Date.now();
    for (;;) {
      const entry = this.#diary.filter((entry) => entry.event === event)[times - 1];
      if (entry) return entry.at;
      if (Date.now() - start > withinMs) {
        throw new Error(`${this.#name}: no ${event}, but ${this.#diary.map(({ event }) => event).join(', ')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 4));
    }
  }

  /** Calls a feature for users who were not there before. Those who have it fail, if so. Answers when the first one failed. */
  async use(flag: string, users: number, fails = false): Promise<number | undefined> {
    let failed: number | undefined;
    for (let user = 0; user < users; user++) this.#call(flag, fails, () => (failed ??= Date.now()));
    return failed;
  }

  /** Calls a feature for users who were not there before, until it has failed so often. */
  async fail(flag: string, times: number): Promise<void> {
    for (let failed = 0, calls = 0; failed < times; calls++) {
      if (calls > 1000) throw new Error(`${this.#name}: nobody has ${flag}`);
      this.#call(flag, true, () => failed++);
    }
  }

  /** Calls a feature, fifty users every 20 ms, for good. Answers when the first one failed. */
  async keepUsing(flag: string, fails: boolean): Promise<number | undefined> {
    const first = this.use(flag, 50, fails);
    setInterval(() => void this.use(flag, 50, fails), 20);
    return first;
  }

  /** Decides for a user so often; answers the variants' names. */
  async decide(flag: string, users: number): Promise<void> {
    for (let user = 0; user < users; user++) this.#its.isEnabled(flag, `${this.#name}-${user}`);
  }

  async add(name: string, amount: number): Promise<void> {
    this.#its.metrics.add(name, amount);
  }

  async summary(flag: string): Promise<FlagSummary | undefined> {
    return this.#its.metrics.summary(flag);
  }

  async breaker(flag: string): Promise<string | undefined> {
    return this.#its.breaker.state(flag);
  }

  async state(): Promise<string> {
    return this.#its.remote.state;
  }

  async diary(): Promise<readonly Entry[]> {
    return this.#diary;
  }

  async sync(): Promise<void> {
    await this.#its.remote.sync();
  }

  async flush(): Promise<void> {
    await this.#its.metrics.flush();
  }

  async close(): Promise<void> {
    await this.#its.close();
  }

  get #its(): FeatureFlagManager {
    if (this.#features) return this.#features;
    throw new Error('`create` comes first');
  }

  #call(flag: string, fails: boolean, failed: () => void): void {
    const user = this.#its.for({ targetingKey: `${this.#name}-${this.#users++}` });
    const enabled = (): void => {
      if (!fails) return;
      failed();
      throw new Error('broken');
    };
    this.#its.run(flag, user, enabled, () => {});
  }
}
