import type { ServerResponse } from 'node:http';
import { type Batch, createFeatures, FeatureError, functionSink, type Sink } from '@flcm/features';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { codes, ENGINES, type Local, local, seeded, traffic, updatable } from '../../kit/local.ts';
import { growth, kib, MemoryStore } from '../../kit/memory.ts';
import { FlagServer, until } from '../../kit/server.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.9 } }
  colour: { variants: [{ name: red, weight: 1 }, { name: blue, weight: 1 }] }
`;

/** Takes batches, or fails as it is told. */
class Taker implements Sink {
  readonly offered: Batch[] = [];
  readonly taken: Batch[] = [];
  answer: ((batch: Batch) => unknown) | undefined;

  async send(batch: Batch): Promise<void> {
    this.offered.push(batch);
    await this.answer?.(batch);
    this.taken.push(batch);
  }

  /** How many decisions of a flag have arrived. */
  decisions(flag: string): number {
    return this.taken.reduce((sum, batch) => sum + (batch.flags().get(flag)?.decisions ?? 0), 0);
  }
}

const name = ({ instance, epoch, sequence }: Batch) => ({ instance, epoch, sequence });

function decide({ features }: Pick<Local, 'features'>, times: number, flag = 'risky'): void {
  for (let user = 0; user < times; user++) features.isEnabled(flag, `user-${user}`);
}

describe.each(ENGINES)('%s', (_, engine) => {
  const open = (sink: Sink, options = {}) =>
    local({ ...engine, document: DOCUMENT, sinks: [sink], instance: 7, ...options });

  test('what was counted is sent at its time, and only that', async () => {
    const sink = new Taker();
    const world = await open(sink);
    const flushed: number[] = [];
    world.features.on('flush', ({ sequence, bytes }) => flushed.push(sequence, bytes));
    await world.clock.pass(10_000);
    expect(sink.offered).toEqual([]);
    decide(world, 100);
    await world.clock.pass(9_999);
    expect(sink.offered).toEqual([]);
    await world.clock.pass(1);
    decide(world, 50);
    await world.clock.pass(10_000);
    expect(sink.taken.map((batch) => batch.flags().get('risky')?.decisions)).toEqual([100, 50]);
    const [first, second] = sink.taken as [Batch, Batch];
    expect(name(first)).toMatchObject({ instance: 7, sequence: 1 });
    expect(name(second)).toEqual({ ...name(first), sequence: 2 });
    expect(first.snapshot).toBe(world.features.snapshot?.digest);
    expect(flushed).toEqual([1, first.bytes.length, 2, second.bytes.length]);
    expect([...first.flags().keys()]).toEqual(['risky']);
  });

  test('a batch that fails comes again, unchanged but for its age', async () => {
    const sink = new Taker();
    sink.answer = () => {
      throw new Error('away');
    };
    const world = await open(sink);
    decide(world, 100);
    await world.features.metrics.flush();
    decide(world, 30);
    await world.clock.pass(60_000);
    expect(sink.offered.length).toBeGreaterThan(2);
    const age = (batch: Batch) => Buffer.from(batch.bytes).readUInt32LE(34);
    const rest = (batch: Batch) => Buffer.from(batch.bytes).fill(0, 34, 38).subarray(0, -8).toString('hex');
    expect(new Set(sink.offered.map(rest)).size).toBe(1);
    expect(new Set(sink.offered.map((batch) => JSON.stringify(name(batch)))).size).toBe(1);
    const ages = sink.offered.map(age);
    expect(ages[0]).toBe(0);
    expect(ages).toEqual([...ages].sort((one, other) => one - other));
    expect(ages.at(-1)).toBeGreaterThan(10_000);
    expect(new Set(codes(world.errors))).toEqual(new Set(['SINK_FAILED']));
    sink.answer = undefined;
    await world.clock.pass(600_000);
    expect(sink.taken.map((batch) => [batch.sequence, batch.flags().get('risky')?.decisions])).toEqual([
      [1, 100],
      [2, 30],
    ]);
  });

  test('failures are waited for longer each time, and what a server asks for', async () => {
    const sink = new Taker();
    const world = await open(sink);
    const times: number[] = [];
    sink.answer = () => {
      times.push(world.clock.elapsed());
      throw new FeatureError('HTTP_STATUS', '429', { retryAfterMs: times.length === 3 ? 100_000 : undefined });
    };
    decide(world, 1);
    await world.features.metrics.flush();
    while (times.length < 6) await world.clock.pass(1000);
    const waits = times.slice(1).map((at, number) => at - (times[number] ?? 0));
    expect(waits).toEqual([1000, 2000, 104_000, 8000, 16_000]);
  });

  test('a summary is of everything, over flushes and updates', async () => {
    const sink = new Taker();
    const world = await updatable(DOCUMENT, { ...engine, sinks: [sink] });
    const all = { users: 0 };
    for (let round = 0; round < 6; round++) {
      all.users = traffic(world, 'risky', { users: 100, failing: 10, from: all.users });
      decide(world, 50, 'colour');
      if (round % 2 === 0) await world.features.metrics.flush();
      if (round === 2) await world.update(`revision: 2${DOCUMENT}  another: {}`);
      if (round === 3) await world.update(`revision: 3${DOCUMENT.replace('flags:', 'flags:\n  aaa: {}')}`);
      const summary = world.features.metrics.summary('risky');
      expect(summary?.decisions).toBe(all.users);
      expect((summary?.total ?? 0) + (summary?.controlTotal ?? 0)).toBe(all.users);
      expect(world.features.metrics.summary('colour')).toMatchObject({ decisions: 50 * (round + 1) });
    }
    const summary = world.features.metrics.summary('risky');
    expect(summary?.users).toBeGreaterThan(550);
    expect(summary?.users).toBeLessThan(650);
    expect(world.features.metrics.summary('colour')?.users).toBeGreaterThan(45);
    expect(world.features.metrics.summary('colour')?.users).toBeLessThan(55);
    await world.features.metrics.flush();
    expect(sink.decisions('risky')).toBe(600);
    expect(sink.decisions('colour')).toBe(300);
    expect(world.features.metrics.summary('risky')?.decisions).toBe(600);
    expect(world.features.metrics.summary('nothing')).toBeUndefined();
  });

  test('counters, histograms and durations of the application', async () => {
    const sink = new Taker();
    const world = await open(sink);
    const { metrics } = world.features;
    expect([metrics.add('baskets'), metrics.add('baskets', 4), metrics.observe('value', 32)]).toEqual([
      true,
      true,
      true,
    ]);
    expect(metrics.time('sync', () => 'done')).toBe('done');
    expect(() =>
      metrics.time('sync', () => {
        throw new Error('boom');
      }),
    ).toThrow('boom');
    const later = metrics.time(
      'later',
      () => new Promise<string>((resolve) => void world.clock.after(64, () => resolve('done'))),
    );
    await world.clock.pass(64);
    expect(await later).toBe('done');
    await expect(metrics.time('later', () => Promise.reject(new Error('boom')))).rejects.toThrow('boom');
    await metrics.flush();
    metrics.add('baskets');
    const named = (of: ReturnType<typeof metrics.custom>) => new Map(of.metrics.map((metric) => [metric.name, metric]));
    const total = named(metrics.custom());
    expect(total.get('baskets')?.amount).toBe(6);
    expect(total.get('sync')?.count).toBe(2);
    expect(total.get('later')?.count).toBe(2);
    expect(total.get('later')?.max).toBeGreaterThan(62);
    expect(total.get('later')?.max).toBeLessThan(66);
    expect(total.get('value')?.mean).toBe(32);
    expect(named(sink.taken[0]?.custom() ?? { dropped: 0, metrics: [] }).get('baskets')?.amount).toBe(5);
  });

  test('names beyond the limit are dropped, and counted as such', async () => {
    const sink = new Taker();
    const world = await open(sink);
    const { metrics } = world.features;
    const kept = Array.from({ length: 100 }, (_, number) => metrics.add(`counter-${number}`));
    expect(kept.filter(Boolean)).toHaveLength(64);
    expect(metrics.observe('x'.repeat(49), 1)).toBe(false);
    expect(metrics.custom().dropped).toBe(37);
    await metrics.flush();
    metrics.add('y'.repeat(49));
    expect(metrics.custom().dropped).toBe(38);
    expect(sink.taken[0]?.custom().dropped).toBe(37);
  });

  test('one sink that fails keeps the batch from itself alone', async () => {
    const [well, failing] = [new Taker(), new Taker()];
    failing.answer = () => {
      throw new Error('away');
    };
    const world = await local({ ...engine, document: DOCUMENT, sinks: [failing, well] });
    decide(world, 10);
    await world.features.metrics.flush();
    await world.clock.pass(30_000);
    expect(well.taken).toHaveLength(1);
    expect(failing.offered.length).toBeGreaterThan(1);
    failing.answer = undefined;
    decide(world, 5);
    await world.clock.pass(600_000);
    for (const sink of [well, failing]) expect(sink.taken.map(({ sequence }) => sequence)).toEqual([1, 2]);
    for (const sink of [well, failing]) expect(sink.decisions('risky')).toBe(15);
  });

  test('what is refused for good is dropped and reported, and the next is sent', async () => {
    const sink = new Taker();
    sink.answer = () => {
      throw new FeatureError('SINK_REFUSED', '413');
    };
    const world = await open(sink);
    decide(world, 10);
    await world.features.metrics.flush();
    expect(codes(world.errors)).toEqual(['SINK_REFUSED']);
    sink.answer = undefined;
    decide(world, 5);
    await world.features.metrics.flush();
    expect(sink.offered.map(({ sequence }) => sequence)).toEqual([1, 2]);
    expect(sink.decisions('risky')).toBe(5);
    expect(world.features.metrics.summary('risky')?.decisions).toBe(15);
  });

  test('what is under way at the end is kept, and what was counted since, and both come in their order', async () => {
    const store = new MemoryStore();
    const sink = new Taker();
    sink.answer = () => {
      throw new Error('away');
    };
    const world = await open(sink, { cache: store });
    decide(world, 10);
    await world.features.metrics.flush();
    decide(world, 5);
    await world.features.close();
    expect((await store.names()).filter((kept) => kept.startsWith('batch-'))).toHaveLength(2);
    const again = new Taker();
    const clock = new ManualClock();
    clock.chance = seeded(5);
    const next = await open(again, { cache: store, clock });
    decide(next, 3);
    await next.features.metrics.flush();
    expect(again.taken.map(({ sequence }) => sequence)).toEqual([1, 2, 1]);
    expect(again.taken.map((batch) => batch.flags().get('risky')?.decisions)).toEqual([10, 5, 3]);
    expect(again.taken[0]?.epoch).toBe(sink.offered[0]?.epoch);
    expect(again.taken[2]?.epoch).not.toBe(again.taken[0]?.epoch);
    expect((await store.names()).filter((kept) => kept.startsWith('batch-'))).toEqual([]);
  });

  test('closing sends what is under way and what was counted since', async () => {
    const sink = new Taker();
    sink.answer = () => {
      throw new Error('away');
    };
    const world = await open(sink);
    decide(world, 10);
    await world.features.metrics.flush();
    decide(world, 5);
    sink.answer = undefined;
    await world.features.close();
    expect(sink.decisions('risky')).toBe(15);
    expect(world.clock.waiting).toBe(0);
  });

  test('closing does not wait for a sink that never answers', async () => {
    const sink = new Taker();
    sink.answer = () => new Promise(() => {});
    const world = await open(sink);
    decide(world, 10);
    const closed = world.features.close();
    await world.clock.pass(2000);
    await closed;
    expect(world.clock.waiting).toBe(0);
  });

  test('without a sink nothing is drained, and everything is counted', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    decide(world, 100);
    await world.features.metrics.flush();
    await world.clock.pass(60_000);
    expect(world.features.metrics.summary('risky')).toMatchObject({ decisions: 100 });
  });
});

describe('to a server', () => {
  async function world(options = {}): Promise<Local & { server: FlagServer; total: () => number }> {
    const server = await FlagServer.start(DOCUMENT);
    onTestFinished(() => server.kill());
    const clock = new ManualClock();
    clock.chance = seeded(17);
    const made = await local({ clock, url: server.url, stream: false, ...options });
    const total = () => server.totals?.metrics.summary(server.totals.flag('risky'))?.decisions ?? 0;
    return { ...made, server, total };
  }

  test('over a server that breaks in every way each count arrives once', async () => {
    const { features, server, clock, total } = await world();
    const chance = seeded(23);
    server.answerMetrics = (request, response) => {
      const fate = chance();
      if (fate < 0.2) response.writeHead(503).end();
      else if (fate < 0.4) request.socket.destroy();
      else if (fate < 0.6) {
        // It is taken, and the answer is lost.
        const lost = { writeHead: () => ({ end: () => request.socket.destroy() }) } as unknown as ServerResponse;
        server.takeBatch(request, lost);
      } else server.takeBatch(request, response);
    };
    let decided = 0;
    for (let round = 0; round < 30; round++) {
      decide({ features }, 20);
      decided += 20;
      await features.metrics.flush();
      await clock.pass(1000);
    }
    server.answerMetrics = undefined;
    await clock.until(() => total() === decided);
    await clock.pass(30_000);
    await features.metrics.flush();
    expect(total()).toBe(decided);
    expect(features.metrics.summary('risky')?.decisions).toBe(decided);
    expect(new Set(server.arrived.map(({ sequence }) => sequence)).size).toBeLessThan(server.arrived.length);
  });

  test('a server that has lost count is told everything under another name', async () => {
    const { features, server, clock, total, errors } = await world();
    decide({ features }, 10);
    await features.metrics.flush();
    decide({ features }, 10);
    await features.metrics.flush();
    expect(total()).toBe(20);
    server.loseCount();
    decide({ features }, 10);
    await features.metrics.flush();
    expect(codes(errors)).toEqual(['SINK_FAILED']);
    await clock.until(() => total() === 30);
    decide({ features }, 10);
    await features.metrics.flush();
    expect(total()).toBe(40);
    expect(server.arrived.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 1, 2]);
    expect(new Set(server.arrived.map(({ epoch }) => epoch)).size).toBe(2);
  });

  test.each([400, 404, 413, 415, 422])('status %i is the end of a batch, and is reported', async (status) => {
    const { features, server, errors, total } = await world();
    server.answerMetrics = (_, response) => response.writeHead(status).end();
    decide({ features }, 10);
    await features.metrics.flush();
    expect(codes(errors)).toEqual(['SINK_REFUSED']);
    expect(errors[0]?.message).toContain(`${status}`);
    server.answerMetrics = undefined;
    decide({ features }, 5);
    await features.metrics.flush();
    // The server sees a gap, and is told under another name.
    await features.metrics.flush();
    expect(total()).toBe(5);
  });

  test('a server that asks for patience is given it', async () => {
    const { features, server, clock } = await world();
    server.answerMetrics = (_, response) => response.writeHead(429, { 'retry-after': '120' }).end();
    decide({ features }, 10);
    await features.metrics.flush();
    expect(server.count('/metrics')).toBe(1);
    await clock.pass(119_000);
    expect(server.count('/metrics')).toBe(1);
    server.answerMetrics = undefined;
    await clock.until(() => server.count('/metrics') === 2, 100, 4000);
  });

  test('a key is sent along', async () => {
    const { features, server } = await world({ key: 'secret' });
    decide({ features }, 10);
    await features.metrics.flush();
    const request = server.requests.find(({ path }) => path === '/metrics');
    expect(request?.headers).toMatchObject({
      authorization: 'Bearer secret',
      'content-type': 'application/vnd.flcm.batch',
    });
  });

  test('counts are not sent where that is switched off', async () => {
    const { features, server, clock } = await world({ metrics: false });
    decide({ features }, 10);
    await features.metrics.flush();
    await clock.pass(60_000);
    expect(server.count('/metrics')).toBe(0);
  });

  test('a rollback is told soon', async () => {
    const server = await FlagServer.start(DOCUMENT.replace('0.9', '0.05'));
    onTestFinished(() => server.kill());
    const made = await local({ url: server.url, stream: false });
    traffic(made, 'risky', { users: 40, failing: 40 });
    await made.clock.pass(1100);
    await until(() => server.arrived.length === 1, 'a batch');
  });
});

test('ten thousand flushes to a dead server keep one batch, and memory flat', async () => {
  const store = new MemoryStore();
  const dead = (() => Promise.reject(new TypeError('connection refused'))) as typeof fetch;
  const sinks = [functionSink(() => dead('http://flags.invalid'))];
  const clock = new ManualClock();
  let errors = 0;
  const features = await createFeatures({ clock, document: DOCUMENT, sinks, cache: store }, { error: () => errors++ });
  const flushes = async () => {
    for (let time = 0; time < 1000; time++) {
      features.isEnabled('risky', `user-${time}`);
      features.metrics.add('baskets');
      await features.metrics.flush();
    }
  };
  const { heap, all } = await growth(flushes);
  console.log(`3,000 flushes to a dead server: heap ${kib(heap)}, process ${kib(all)} more`);
  expect((await store.names()).filter((name) => name.startsWith('batch-'))).toHaveLength(1);
  expect(features.metrics.summary('risky')?.decisions).toBe(10_000);
  expect(errors).toBe(10_000);
  expect(heap).toBeLessThan(128 * 1024);
  expect(all).toBeLessThan(4 * 1024 * 1024);
  await features.close();
});
