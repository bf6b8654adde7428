import { setImmediate } from 'node:timers/promises';
import type { Clock } from '@flcm/features';

/** A time at which nothing in particular happens. */
export const NOW = 1_800_000_000_000;

/** A clock that tests step. Its wall clock may be set; its timers follow the time that elapses. */
export class ManualClock implements Clock {
  #elapsed = 0;
  #wall = NOW;
  #timers: { at: number; callback: () => void }[] = [];
  /** What chance gives next. */
  chance: () => number = () => 0.5;
  /** How many milliseconds too early timers ring. */
  early = 0;

  now = (): number => this.#wall;
  elapsed = (): number => this.#elapsed;
  random = (): number => this.chance();
  after = (ms: number, callback: () => void): (() => void) => {
    const timer = { at: this.#elapsed + Math.max(0, ms > this.early ? ms - this.early : ms), callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  };

  /** How many timers wait. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** When the next timer rings, from now; `undefined` for none. */
  get next(): number | undefined {
    return this.#timers.length === 0 ? undefined : Math.min(...this.#timers.map(({ at }) => at)) - this.#elapsed;
  }

  /** Lets chance give another number each time, in an order that is always the same. */
  vary(): void {
    let drawn = 0;
    this.chance = () => (++drawn * 0.618) % 1;
  }

  /** Sets the wall clock, as people and time servers do. */
  jump(ms: number): void {
    this.#wall += ms;
  }

  /** Lets time pass; timers ring in their order, and what they begin is let go on in between. */
  async pass(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await settle();
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#to(due.at);
      due.callback();
      await settle();
    }
    this.#to(end);
  }

  /** Rings the next timer, and waits for nothing that it begins. */
  ring(): void {
    const due = [...this.#timers].sort((one, other) => one.at - other.at)[0];
    if (due === undefined) return;
    this.#timers = this.#timers.filter((timer) => timer !== due);
    this.#to(due.at);
    due.callback();
  }

  /**
   * Lets time pass in steps, and real sockets do their work in between, until something holds. Answers how long that
   * took by this clock.
   */
  async until(holds: () => boolean, stepMs = 100, mostMs = 600_000): Promise<number> {
    const start = this.#elapsed;
    while (!holds()) {
      if (this.#elapsed - start > mostMs) throw new Error(`it did not happen within ${mostMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (!holds()) await this.pass(stepMs);
    }
    return this.#elapsed - start;
  }

  #to(elapsed: number): void {
    this.#wall += Math.max(0, elapsed - this.#elapsed);
    this.#elapsed = Math.max(elapsed, this.#elapsed);
  }
}

/** Lets everything go on that waits for nothing but its turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
}
