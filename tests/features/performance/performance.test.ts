/** Sizes, counts and memory are asserted. Times depend on the machine: they are printed, and asserted nowhere. */

import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createFeatures } from '@flcm/features';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { ENGINES, local, traffic } from '../../kit/local.ts';
import { collected, growth, kib } from '../../kit/memory.ts';
import { compiled, noEvents } from '../../kit/server.ts';

const MIB = 1024 * 1024;

/** A document of many flags, of which each hundredth has a threshold. */
function document(flags: number, revision: number): string {
  const entries = Array.from({ length: flags }, (_, flag) => {
    const threshold = flag % 100 === 0 ? { error_threshold: { rate: 0.05 } } : {};
    const conditions = [{ attribute: 'country', operator: 'in', value: ['DE', 'FR', `x${flag}`] }];
    return [`flag_${flag}`, { conditions, rollout: { percentage: (flag + revision) % 100 }, ...threshold }];
  });
  return JSON.stringify({ revision, flags: Object.fromEntries(entries) });
}

const ms = (from: number): string => `${(performance.now() - from).toFixed(1)} ms`;

describe.each(ENGINES)('%s', (name, engine) => {
  test('a thousand updates leave memory flat', async () => {
    const snapshots = [0, 1].map((revision) => compiled(document(200, 0).replace('"DE"', `"D${revision}"`)));
    let version = 0;
    const get = async (asked: unknown) => {
      const headers = { 'content-type': 'application/vnd.flcm.snapshot', etag: `"${version}"` };
      return noEvents(asked) ?? new Response(snapshots[version++ % 2] as BodyInit, { headers });
    };
    const clock = new ManualClock();
    const url = 'http://flags.invalid';
    const features = await createFeatures({
      ...engine,
      clock,
      url,
      fetch: get as typeof fetch,
      stream: false,
      metrics: false,
    });
    let changes = 0;
    features.on('change', () => changes++);
    const alice = features.for({ targetingKey: 'alice', country: 'DE' });
    const update = async () => {
      for (let time = 0; time < 120; time++) {
        await features.remote.sync();
        alice.run(
          'flag_100',
          () => 'new',
          () => 'old',
        );
        features.isEnabled('flag_50', `user-${time}`, { country: 'FR' });
      }
      await clock.pass(0);
    };
    const { heap, all } = await growth(update);
    console.log(`${name}: 360 updates of 200 flags: heap ${kib(heap)}, process ${kib(all)} more`);
    expect(changes).toBe(1201 - 1);
    expect(features.metrics.summary('flag_50')?.decisions).toBe(1200);
    expect(heap).toBeLessThan(MIB / 4);
    expect(all).toBeLessThan(8 * MIB);
    await features.close();
  });

  test('a decision leaves nothing behind, and allocates little', async () => {
    const { features } = await local({ ...engine, document: document(100, 1) });
    const attributes = { country: 'DE' };
    const alice = features.for({ targetingKey: 'alice', ...attributes });
    const keys = Array.from({ length: 100 }, (_, flag) => `flag_${flag}`);
    const hundreds = (times: number, decide: (flag: string) => boolean) => {
      for (let time = 0; time < times; time++) for (const key of keys) decide(key);
    };
    for (const [what, decide, mostBytes] of [
      ['isEnabled of a user', (flag: string) => features.isEnabled(flag, 'alice', attributes), 96],
      ['isEnabled of a context', (flag: string) => alice.isEnabled(flag), 96],
    ] as const) {
      hundreds(1000, decide);
      const before = collected();
      // So few that nothing is collected meanwhile.
      const used = process.memoryUsage().heapUsed;
      hundreds(500, decide);
      const bytes = (process.memoryUsage().heapUsed - used) / 50_000;
      const start = performance.now();
      hundreds(10_000, decide);
      const taken = performance.now() - start;
      const after = collected();
      const left = kib(after.heap - before.heap);
      console.log(
        `${name}: 1,000,000 × ${what}: ${taken.toFixed(0)} ns and ${bytes.toFixed(1)} bytes each, ${left} left`,
      );
      expect(bytes).toBeLessThan(mostBytes);
      expect(after.heap - before.heap).toBeLessThan(MIB / 4);
    }
    expect(features.metrics.summary('flag_0')?.decisions).toBe(2 * 11_500);
  });

  test('an update of ten thousand flags', async () => {
    const [before, next] = [1, 2].map((revision) => compiled(document(10_000, revision))) as [Uint8Array, Uint8Array];
    const clock = new ManualClock();
    let answer: () => Promise<Response> = async () => new Response(null, { status: 503 });
    const features = await createFeatures(
      {
        ...engine,
        clock,
        snapshot: before,
        url: 'http://flags.invalid',
        fetch: (async (url) => noEvents(url) ?? (await answer())) as typeof fetch,
        stream: false,
        metrics: false,
      },
      { error: () => {} },
    );
    let changed = 0;
    features.on('change', ({ flags }) => {
      changed = flags.length;
    });
    const bob = features.for({ targetingKey: 'bob', country: 'DE' });
    bob.isEnabled('flag_1');
    await features.remote.settled;
    let start = 0;
    // What is measured begins with the response.
    answer = async () => {
      start = performance.now();
      return new Response(next as BodyInit, { headers: { 'content-type': 'application/vnd.flcm.snapshot' } });
    };
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await features.remote.sync();
    bob.isEnabled('flag_1');
    const decided = ms(start);
    while (changed === 0) {
      await clock.pass(0);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const compared = ms(start);
    delay.disable();
    console.log(
      `${name}: 10,000 flags (${kib(next.length)}): from response to the next decision ${decided}, until changes are told ${compared}, longest pause ${(delay.max / 1e6).toFixed(1)} ms`,
    );
    expect(features.snapshot?.revision).toBe(2n);
    expect(changed).toBe(10_000);
    await features.close();
  });

  test('a summary of a million events', async () => {
    const world = await local({
      ...engine,
      document: 'flags: { a: { rollout: { percentage: 50 }, error_threshold: { rate: 0.9 } } }',
    });
    const { features } = world;
    const users = Array.from({ length: 1000 }, (_, user) => features.for({ targetingKey: `user-${user}` }));
    for (let time = 0; time < 500; time++) for (const user of users) user.isEnabled('a');
    for (let time = 0; time < 250; time++)
      for (const user of users) user.record('a', { failed: time % 10 === 0, durationMs: time });
    const start = performance.now();
    const summary = features.metrics.summary('a');
    console.log(`${name}: a summary of 750,000 decisions and 250,000 outcomes: ${ms(start)}`);
    expect(summary).toMatchObject({ decisions: 750_000 });
    expect((summary?.total ?? 0) + (summary?.controlTotal ?? 0)).toBe(250_000);
    expect(summary?.users).toBeGreaterThan(930);
    expect(summary?.users).toBeLessThan(1070);
  });

  test('users who come and go leave no memory behind', async () => {
    const world = await local({ ...engine, document: document(100, 50) });
    const come = (from: number) => {
      for (let round = 0; round < 200; round++)
        traffic(world, `flag_${round % 100}`, { users: 100, from: from + 100 * round });
    };
    const { heap, all } = await growth((time) => come(time * 1_000_000));
    console.log(`${name}: 60,000 users: heap ${kib(heap)}, process ${kib(all)} more`);
    expect(heap).toBeLessThan(MIB / 4);
    expect(all).toBeLessThan(8 * MIB);
  });
});
