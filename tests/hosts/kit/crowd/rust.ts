import { FlagServer } from '../../../kit/server.ts';
import type { Crowd, CrowdOptions } from '../crowd.ts';
import { answered, RustClock, RustHost } from '../rust.ts';

/** What is called at one moment, in one turn: requests are counted by ten seconds. */
const TURN = 500;

/** What was announced is asked for by tenths of a second. */
const ANNOUNCED = 20;

/** Within so long a host asks for what was announced. */
const SPREAD = 1000;

const MINUTE = 60_000;

const document = (revision: number): string => `revision: ${revision}\nflags: {}`;

/** Whole hosts, and a server on loopback. */
export class RustCrowd implements Crowd {
  readonly asked: number[] = [];
  readonly streamed: number[] = [];
  readonly #options: CrowdOptions;
  readonly #server: FlagServer;
  readonly #clock = new RustClock();
  readonly #hosts: Promise<RustHost>[] = [];
  #revision = 1;
  /** Until then what was announced is asked for. */
  #announced = 0;
  /** When what arrives now was asked for. */
  #now = 0;

  static async start(options: CrowdOptions): Promise<RustCrowd> {
    return new RustCrowd(options, await FlagServer.start(document(1)));
  }

  private constructor(options: CrowdOptions, server: FlagServer) {
    this.#options = options;
    this.#server = server;
    this.#clock.vary();
    server.answer = (...asked) => {
      this.asked.push(this.#now);
      server.answerFlags(...asked);
    };
    server.answerStream = (...asked) => {
      this.streamed.push(this.#now);
      server.beginStream(...asked);
    };
  }

  get connected(): number {
    return this.#server.streams.size;
  }

  get now(): number {
    return this.#now;
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let next = this.#next(); next <= end; next = this.#next()) {
      this.#now = next;
      this.#begin();
      const turn = next < this.#announced ? ANNOUNCED : TURN;
      await this.#clock.pass(Math.min(end, next + turn) - this.#clock.elapsed());
      await answered(1);
    }
    await this.#clock.pass(end - this.#clock.elapsed());
    this.#now = end;
  }

  async outage(ms: number): Promise<void> {
    await this.#server.kill();
    await this.pass(ms);
    await this.#server.restart();
  }

  async publish(): Promise<void> {
    this.#server.publish(document(++this.#revision));
    this.#announced = this.#now + SPREAD;
    await answered();
  }

  async close(): Promise<void> {
    const hosts = await Promise.all(this.#hosts);
    await Promise.all(hosts.map((host) => host.close()));
    await this.#server.kill();
  }

  /** When something happens next: a timer rings, or a host begins. */
  #next(): number {
    const timer = this.#clock.elapsed() + (this.#clock.next ?? Number.POSITIVE_INFINITY);
    return Math.min(timer, this.#hosts.length < this.#options.hosts ? this.#begins(this.#hosts.length) : timer);
  }

  #begins(host: number): number {
    return (host / this.#options.hosts) * MINUTE;
  }

  /** Begins with those whose time has come. */
  #begin(): void {
    const { hosts, streams: stream, warm = true } = this.#options;
    while (this.#hosts.length < hosts && this.#begins(this.#hosts.length) <= this.#now) {
      const options = { url: this.#server.url, stream, metrics: false, streamSpreadMs: SPREAD, streamSilenceMs: 1e12 };
      const given = { ...options, ...(warm && { document: document(1) }) };
      this.#hosts.push(RustHost.start(given, this.#clock, {}, true));
    }
  }
}
