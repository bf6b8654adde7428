import { onTestFinished } from 'vitest';
import type { HostOptions } from '../../hosts/kit/host.ts';
import { RustClock, RustHost as RustFeatures } from '../../hosts/kit/rust.ts';
import { USERS } from './agent.ts';

/** Milliseconds between two steps of the clock. */
const STEP = 20;

/** The client in Rust, in a process of its own, whose clock runs as that of the test does. Ends with the test. */
export class RustHost {
  readonly name: string;
  readonly #features: RustFeatures;

  constructor(name: string, features: RustFeatures) {
    this.name = name;
    this.#features = features;
  }

  static async start(name: string, options: HostOptions): Promise<RustHost> {
    const clock = new RustClock();
    let isRunning = true;
    const run = async () => {
      for (let last = performance.now(); isRunning; ) {
        await new Promise((resolve) => setTimeout(resolve, STEP));
        const now = performance.now();
        await clock.pass(now - last);
        last = now;
      }
    };
    const running = run();
    const features = await RustFeatures.start(options, clock, {});
    onTestFinished(async () => {
      await features.close();
      isRunning = false;
      await running;
    });
    return new RustHost(name, features);
  }

  /** Like the method of an agent. */
  async on(flag: string): Promise<number> {
    return USERS.filter((user) => this.#features.isEnabled(flag, user)).length;
  }

  /** Like the method of an agent. */
  async reaches(flag: string, count: number, withinMs = 60_000): Promise<number> {
    for (const start = Date.now(); (await this.on(flag)) !== count; ) {
      if (Date.now() - start > withinMs) throw new Error(`${this.name}: ${flag} is not on for ${count} of 40`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return Date.now();
  }
}
