import { engine, type FlagSummary, type Snapshot } from '@flcm/flags-node';
import { compiled, type FlagServer, type FleetFlag } from '../../kit/server.ts';

const SIDES = [
  'total',
  'errors',
  'slow',
  'missing',
  'controlTotal',
  'controlErrors',
  'controlSlow',
  'controlMissing',
] as const;

type Sides = Record<(typeof SIDES)[number], number>;

/** The fleet's breakers, beside a stand-in for the server of flags: weighs what hosts have sent, and says what came of it. */
export class Fleet {
  readonly #server: FlagServer;
  readonly #snapshot: Snapshot;
  readonly #weighed = new Map<string, Sides>();
  /** What has happened. */
  readonly events: { event: string; flag: string; at: number }[] = [];

  constructor(server: FlagServer, document: string, now: number) {
    this.#server = server;
    this.#snapshot = engine.load(compiled(document));
    this.#snapshot.breakers.guard('fleet', now);
    this.#say();
  }

  /** The generation under which outcomes of a flag are evidence. */
  generation(flag: string): number | undefined {
    return this.#snapshot.breakers.report(this.#snapshot.flag(flag))?.generation;
  }

  /** Weighs what has arrived since, as a server does once a second. */
  weigh(now: number): void {
    const transitions = this.#flags.flatMap(({ id, key, generation }) => {
      const news = this.#news(key);
      if (news === undefined) return [];
      const { total, errors, slow, missing } = news;
      const treatment = { total, errors, slow, missing };
      const control = {
        total: news.controlTotal,
        errors: news.controlErrors,
        slow: news.controlSlow,
        missing: news.controlMissing,
      };
      return this.#snapshot.breakers.record(id, { generation, treatment, control }, now);
    });
    transitions.push(...this.#snapshot.breakers.poll(now));
    for (const { event, flag, at } of transitions) {
      this.events.push({ event, flag: this.#snapshot.flagKey(flag) ?? '', at });
    }
    if (transitions.length > 0) this.#say();
  }

  #say(): void {
    const said = this.#flags.map(({ id, key, generation }): [string, FleetFlag] => {
      return [key, { trip: this.#snapshot.trip(id), generation }];
    });
    this.#server.trip(Object.fromEntries(said));
  }

  get #flags(): { id: number; key: string; generation: number }[] {
    return Array.from({ length: this.#snapshot.flagCount }, (_, id) => id).flatMap((id) => {
      const generation = this.#snapshot.breakers.report(id)?.generation;
      return generation === undefined ? [] : [{ id, key: this.#snapshot.flagKey(id) ?? '', generation }];
    });
  }

  /** What has arrived since it was weighed last. */
  #news(key: string): Sides | undefined {
    const { totals } = this.#server;
    const summary: FlagSummary | undefined = totals?.metrics.summary(totals.flag(key));
    if (summary === undefined) return undefined;
    const before = this.#weighed.get(key);
    const now = Object.fromEntries(SIDES.map((side) => [side, summary[side]])) as Sides;
    this.#weighed.set(key, now);
    return Object.fromEntries(SIDES.map((side) => [side, now[side] - (before?.[side] ?? 0)])) as Sides;
  }
}

/** The generation under which a batch has counted a flag: its format is described in `crates/flcm-flags/src/metrics/batch.rs`. */
export function generationIn(batch: Uint8Array, flag: string): number | undefined {
  const bytes = Buffer.from(batch);
  const key = Buffer.from(flag);
  const at = bytes.indexOf(Buffer.concat([Buffer.from([1, key.length]), key]));
  if (at < 0) return undefined;
  let [value, shift, next] = [0, 0, at + 2 + key.length];
  for (;;) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 127) * 2 ** shift;
    if (byte < 128) return value;
    shift += 7;
  }
}
