import { describe, expect, test } from 'vitest';
import { phaseOf } from '../../../.flcm-core/features/schedule.ts';
import { NOW } from '../../kit/clock.ts';
import { type FlagServer, soon, until } from '../../kit/server.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { served, testClock, type WorldOptions, world } from '../kit/world.ts';

const INTERVAL = 60_000;

/** When a host polls, in milliseconds after its start. */
async function polls(server: FlagServer, many: number, options: WorldOptions): Promise<number[]> {
  const at = await world({ url: server.url, ...options });
  const times: number[] = [];
  for (let poll = 0; poll < many; poll++) {
    const asked = server.marks.length;
    await at.until(() => server.marks.length > asked);
    times.push(at.clock.elapsed());
  }
  await at.features.close();
  return times;
}

describe('a host polls', () => {
  test.each([0, 0.25, 0.5, 0.999])(
    'within a tenth of its place in the interval, whatever chance says (%d)',
    async (chance) => {
      const server = await served();
      for (const instance of [0, 1, 2 ** 51, 2 ** 53 - 1]) {
        const clock = testClock();
        clock.chance = () => chance;
        const times = await polls(server, 4, { clock, instance });
        const place = phaseOf(instance) * INTERVAL;
        times.forEach((time, poll) => {
          const off = ((NOW + time - place + INTERVAL / 2) % INTERVAL) - INTERVAL / 2;
          // The time of day has whole milliseconds.
          expect(Math.abs(off - (2 * chance - 1) * 0.1 * INTERVAL)).toBeLessThanOrEqual(1);
          const before = times[poll - 1];
          if (before !== undefined) expect(Math.abs(time - before - INTERVAL)).toBeLessThanOrEqual(1);
        });
        expect(times[0]).toBeGreaterThanOrEqual(0.4 * INTERVAL);
        expect(times[0]).toBeLessThanOrEqual(1.6 * INTERVAL);
      }
    },
  );

  test('at a place that depends on its instance, and stays its own', async () => {
    const server = await served();
    const first = await polls(server, 2, { instance: 1 });
    const second = await polls(server, 2, { instance: 2 });
    expect(await polls(server, 2, { instance: 1 })).toEqual(first);
    expect(Math.abs((first[0] ?? 0) - (second[0] ?? 0))).toBeGreaterThan(INTERVAL / 10);
  });

  test('as often as `pollIntervalMs` says', async () => {
    const server = await served();
    const [one = 0, two = 0] = await polls(server, 2, { pollIntervalMs: 1000 });
    expect(Math.abs(two - one - 1000)).toBeLessThanOrEqual(1);
  });

  test('never for `pollIntervalMs: 0`, once it has flags', async () => {
    const server = await served();
    server.answer = (_, response) => response.destroy();
    const at = await world({ url: server.url, pollIntervalMs: 0 });
    server.answer = undefined;
    await at.until(() => at.isOn('old'), 1000);
    await at.clock.pass(86_400_000);
    expect(server.marks).toHaveLength(2);
    expect(at.features.remote.state).toBe('fresh');
  });
});

onlyTypeScript('whose places the others are compared with', () => {
  describe('places in the interval', () => {
    const evenly = (instances: readonly number[]): number => {
      const places = instances.map((instance) => Math.floor(phaseOf(instance) * 10));
      const counts = Array.from({ length: 10 }, (_, place) => places.filter((other) => other === place).length);
      return Math.max(...counts) / (instances.length / 10);
    };
    const many = Array.from({ length: 10_000 }, (_, at) => at);

    test.each<[string, number[]]>([
      ['hosts that are counted', many],
      ['hosts that are counted from a thousand on', many.map((at) => 1000 + at)],
      ['addresses of one network', many.map((at) => 0x0a000000 + at)],
      ['numbers that were drawn', many.map((at) => Math.floor(((at * 0.7548776662) % 1) * Number.MAX_SAFE_INTEGER))],
      ['times of start', many.map((at) => NOW + 37 * at)],
    ])('are even for %s', (_, instances) => {
      expect(evenly(instances)).toBeLessThan(1.2);
      for (const instance of instances) {
        expect(phaseOf(instance)).toBeGreaterThanOrEqual(0);
        expect(phaseOf(instance)).toBeLessThan(1);
      }
    });

    test('are far apart for ten hosts', () => {
      const places = Array.from({ length: 10 }, (_, instance) => phaseOf(instance)).sort((one, other) => one - other);
      const gaps = places.map((place, at) => place - (places[at - 1] ?? (places.at(-1) ?? 0) - 1));
      expect(Math.min(...gaps)).toBeGreaterThan(0.04);
    });
  });
});

describe('what a stream announces', () => {
  test.each([0, 0.5, 0.9])('is fetched within `streamSpreadMs`, when chance says (%d)', async (chance) => {
    const server = await served();
    const at = await world({ url: server.url, stream: true, streamSpreadMs: 2000 });
    await until(() => at.diary.of('fleet').length === 1);
    at.clock.chance = () => chance;
    server.publish('revision: 2\nflags: { new: { rollout: { percentage: 100 } } }');
    server.trip({});
    await until(() => at.diary.of('fleet').length === 2);
    await at.clock.pass(2000 * chance - 1);
    await at.features.remote.settled;
    expect(server.marks).toHaveLength(1);
    await at.clock.pass(1);
    await at.features.remote.settled;
    expect(server.marks).toHaveLength(2);
    expect(at.isOn('new')).toBe(true);
  });

  test('is fetched within half a second unless something else was said, so that a change is everywhere within a second', async () => {
    const server = await served();
    const at = await world({ url: server.url, stream: true });
    await until(() => at.diary.of('fleet').length === 1);
    at.clock.chance = () => 0.999;
    server.publish('revision: 2\nflags: { new: { rollout: { percentage: 100 } } }');
    server.trip({});
    await until(() => at.diary.of('fleet').length === 2);
    await at.clock.pass(500);
    await at.features.remote.settled;
    expect(at.isOn('new')).toBe(true);
  });

  test('and is in use already is not fetched', async () => {
    const server = await served();
    const at = await world({ url: server.url, stream: true, pollIntervalMs: 0 });
    await until(() => at.diary.of('fleet').length === 1);
    server.use(server.snapshot);
    server.trip({});
    await until(() => at.diary.of('fleet').length === 2);
    await at.clock.pass(10_000);
    expect(server.marks).toHaveLength(1);
  });

  test('while a request is under way, which brings it, is not fetched again', async () => {
    const server = await served();
    let answer = () => {};
    server.answer = (request, response) => {
      answer = () => server.answerFlags(request, response);
    };
    const clock = testClock();
    const creating = world({ clock, url: server.url, stream: true, pollIntervalMs: 0 });
    await until(() => server.streams.size === 1 && server.marks.length === 1);
    await clock.pass(2000);
    const at = await creating;
    await until(() => at.diary.of('fleet').length === 1);
    answer();
    await until(() => at.isOn('old'));
    await at.clock.pass(10_000);
    expect(server.marks).toHaveLength(1);
  });

  test('while a request is under way, which misses it, is fetched', async () => {
    const server = await served();
    const at = await world({ url: server.url, stream: true, pollIntervalMs: 0 });
    await until(() => at.diary.of('fleet').length === 1);
    let answer = () => {};
    server.answer = (_, response) => {
      answer = () => response.writeHead(304).end();
    };
    const syncing = at.features.remote.sync();
    await until(() => server.marks.length === 2);
    server.answer = undefined;
    server.publish('revision: 2\nflags: { new: { rollout: { percentage: 100 } } }');
    server.trip({});
    await until(() => at.diary.of('fleet').length === 2);
    answer();
    await syncing;
    expect(at.isOn('new')).toBe(false);
    await at.until(() => at.isOn('new'), 1000);
  });
});

describe('a host without a stream', () => {
  const HELD = { old: { trip: 'off', generation: 1 } };

  test('learns from each poll what the server holds back', async () => {
    const server = await served();
    server.trip(HELD);
    const at = await world({ url: server.url, pollIntervalMs: 1000 });
    await until(() => !at.isOn('old'), 'the hold that was there before');
    server.trip({});
    await at.until(() => at.isOn('old'), 3000);
    server.trip(HELD);
    await at.until(() => !at.isOn('old'), 3000);
    expect(server.streams.size).toBe(0);
    expect(at.codes).toEqual([]);
    await at.features.close();
  });

  test('polls on while that cannot be read, and reports it', async () => {
    const server = await served();
    server.answerStream = (_, response) => response.writeHead(503).end();
    const at = await world({ url: server.url, pollIntervalMs: 1000 });
    const asked = server.marks.length;
    await at.until(() => server.marks.length > asked + 1, 5000);
    expect(at.features.remote.state).toBe('fresh');
    expect(new Set(at.codes)).toEqual(new Set(['STREAM_FAILED']));
    await at.features.close();
  });

  test('does not wait for long when no answer comes', async () => {
    const server = await served();
    const at = await world({ url: server.url, pollIntervalMs: 1000, fetchTimeoutMs: 500 });
    server.answerStream = () => {};
    const isAsked = () => server.count('/flags/stream') === 2;
    for (let timer = 0; timer < 100 && !isAsked(); timer++) {
      await at.clock.pass(Math.min(at.clock.next ?? 100, 100));
      await soon(isAsked);
    }
    await at.clock.pass(500);
    await until(() => at.codes.length > 0, 'the end of it');
    const asked = server.marks.length;
    server.answerStream = undefined;
    await at.until(() => server.marks.length > asked + 1, 5000);
    expect(at.isOn('old')).toBe(true);
    expect(new Set(at.codes)).toEqual(new Set(['STREAM_FAILED']));
    await at.features.close();
  });
});
