import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { functionSink } from '@flcm/features';
import { describe, expect, test } from 'vitest';
import { type FlagServer, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { silence, status } from '../kit/faults.ts';
import type { TestClock } from '../kit/host.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { HOST } from '../kit/which.ts';
import { AFTER, served, testClock, type World, type WorldOptions, world } from '../kit/world.ts';

/** A clock whose chance does not repeat: epochs are drawn. */
function chancy(): TestClock {
  const clock = testClock();
  clock.vary();
  return clock;
}

async function counting(options: WorldOptions = {}): Promise<{ server: FlagServer; at: World }> {
  const server = await served();
  const at = await world({ url: server.url, metrics: true, clock: chancy(), pollIntervalMs: 0, ...options });
  return { server, at };
}

const decide = (at: World, times: number): void => {
  for (let time = 0; time < times; time++) at.features.isEnabled('old', `user${time}`);
};

const decisions = (server: FlagServer): number => server.decisions('old');

/** What a host says itself that it has counted. A page does not. */
function expectSummed(at: World, decisions: number): void {
  if (HOST !== 'page') expect(at.features.metrics.summary('old')?.decisions).toBe(decisions);
}

describe('counts', () => {
  test('are sent once, and say which revision is in use', async () => {
    const { server, at } = await counting();
    for (let flush = 0; flush < 3; flush++) {
      decide(at, 10);
      await at.features.metrics.flush();
    }
    expect(at.codes).toEqual([]);
    expect(decisions(server)).toBe(30);
    expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1n, 2n, 3n]);
    const queries = server.requests.filter(({ path }) => path === '/metrics').map(({ query }) => query);
    // A page names the snapshot in the body.
    if (HOST !== 'page') expect(new Set(queries)).toEqual(new Set([`revision=${at.features.snapshot?.revision}`]));
  });

  test.each([500, 401, 429])('that are answered with %i are sent again, with what has come since', async (code) => {
    const { server, at } = await counting();
    server.answerMetrics = status(code);
    for (let flush = 0; flush < 5; flush++) {
      decide(at, 10);
      await at.features.metrics.flush();
    }
    expect(new Set(at.codes)).toEqual(new Set(['SINK_FAILED']));
    expectSummed(at, 50);
    server.answerMetrics = undefined;
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(50);
    expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1n, 2n]);
  });

  test('that are redirected are not acknowledged, and are sent again', async () => {
    const { server, at } = await counting();
    server.answerMetrics = status(302, { location: '/login' });
    server.pages.set('/login', ['text/html', 'Who are you?']);
    decide(at, 10);
    await at.features.metrics.flush();
    expect(at.codes).toEqual(['SINK_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/redirects to .*\/login/) });
    server.answerMetrics = undefined;
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(10);
    expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1n]);
  });

  test('that are redirected back to where they were sent are not acknowledged by the answer to a GET', async () => {
    const { server, at } = await counting();
    const methods: (string | undefined)[] = [];
    server.answerMetrics = (request, response) => {
      methods.push(request.method);
      const isBatch = request.method === 'POST';
      response.writeHead(isBatch ? 302 : 200, isBatch ? { location: '/metrics' } : {}).end();
    };
    decide(at, 10);
    await at.features.metrics.flush();
    expect(at.codes).toEqual(['SINK_FAILED']);
    expect(methods).toEqual(['POST']);
    server.answerMetrics = undefined;
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(10);
  });

  test('of which the server lost track are named anew, and counted once', async () => {
    const { server, at } = await counting();
    decide(at, 10);
    await at.features.metrics.flush();
    decide(at, 10);
    await at.features.metrics.flush();
    server.loseCount();
    decide(at, 10);
    await at.features.metrics.flush();
    expect(at.codes).toEqual(['SINK_FAILED']);
    expect(decisions(server)).toBe(20);
    decide(at, 5);
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(35);
    const epochs = server.arrived.map(({ epoch }) => epoch);
    expect(new Set(epochs).size).toBe(2);
    expect(at.codes).toEqual(['SINK_FAILED']);
    expectSummed(at, 35);
  });

  test('whose acknowledgement is lost are sent again unchanged, and counted once', async () => {
    const { server, at } = await counting();
    server.answerMetrics = (request, response) => {
      server.takeBatch(request, { writeHead: () => ({ end: () => response.socket?.destroy() }) } as never);
    };
    decide(at, 10);
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(10);
    expect(at.codes).toEqual(['SINK_FAILED']);
    server.answerMetrics = undefined;
    decide(at, 10);
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(20);
    expect(server.arrived.map(({ sequence }) => sequence)).toEqual([1n, 1n, 2n]);
  });

  test('that are refused for good are dropped, said so, and followed by others', async () => {
    const { server, at } = await counting();
    server.answerMetrics = status(422);
    decide(at, 10);
    await at.features.metrics.flush();
    expect(at.codes).toEqual(['SINK_REFUSED']);
    server.answerMetrics = undefined;
    server.loseCount();
    decide(at, 7);
    await at.features.metrics.flush();
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(7);
  });

  test('are not hurried by a server that hangs', async () => {
    const { server, at } = await counting();
    server.answerMetrics = silence;
    decide(at, 10);
    const flushing = at.features.metrics.flush();
    await until(() => server.count('/metrics') === 1);
    await at.clock.pass(5000);
    await flushing;
    expect(at.codes).toEqual(['SINK_FAILED']);
    server.answerMetrics = undefined;
    await at.until(() => decisions(server) === 10, 60_000);
  });

  test('that a host could not send at its end are sent by the next one', async () => {
    const cache = folder();
    const { server, at } = await counting({ cache });
    server.answerMetrics = status(500);
    decide(at, 10);
    await at.features.metrics.flush();
    decide(at, 7);
    await at.features.close();
    server.answerMetrics = undefined;
    const next = await world({ url: server.url, cache, metrics: true, clock: chancy() });
    await next.features.metrics.flush();
    expect(decisions(server)).toBe(17);
  });

  test('that were kept over a restart are counted, and are too old to be evidence', async () => {
    const cache = folder();
    const { server, at } = await counting({ cache });
    decide(at, 1);
    await at.features.metrics.flush();
    expect(server.arrived.at(-1)?.age).toBeLessThan(120_000);
    server.answerMetrics = status(500);
    decide(at, 10);
    await at.features.metrics.flush();
    await at.features.close();
    server.answerMetrics = undefined;
    // Under another name as well, which it gets when the server has lost count.
    server.loseCount();
    const next = await world({ url: server.url, cache, metrics: true, clock: chancy() });
    await next.features.metrics.flush();
    await next.features.metrics.flush();
    expect(server.arrived.slice(1).map(({ sequence, age }) => [sequence, age > 120_000])).toEqual([
      [2n, true],
      [1n, true],
    ]);
    expect(decisions(server)).toBe(11);
  });

  test('that were kept wait for the first flags', async () => {
    const cache = folder();
    const { server, at } = await counting({ cache });
    server.answerMetrics = status(500);
    decide(at, 10);
    await at.features.close();
    server.answerMetrics = undefined;
    server.answer = status(500);
    rmSync(join(cache, 'snapshot'));
    const next = await world({ url: server.url, cache, metrics: true, clock: chancy() });
    await next.clock.pass(30_000);
    expect(server.arrived).toEqual([]);
    server.answer = undefined;
    await next.features.remote.sync();
    await next.features.metrics.flush();
    expect(decisions(server)).toBe(10);
  });

  test('that were kept, and are damaged, keep no others from being sent', async () => {
    const cache = folder();
    const { server, at } = await counting({ cache });
    await at.features.close();
    writeFileSync(join(cache, 'batch-7-1'), 'damaged');
    const next = await world({ url: server.url, cache, metrics: true, clock: chancy() });
    decide(next, 3);
    await next.features.metrics.flush();
    expect(next.codes).toEqual(['CACHE_FAILED']);
    expect(decisions(server)).toBe(3);
    expect(readdirSync(cache)).not.toContain('batch-7-1');
  });
});

onlyTypeScript('whose `fetch` may be the application’s, and follow redirects', () => {
  test('counts that are redirected are not acknowledged', async () => {
    const following: typeof fetch = (url, options) => fetch(url, { ...options, redirect: 'follow' });
    const { server, at } = await counting({ fetch: following });
    server.answerMetrics = status(302, { location: '/login' });
    server.pages.set('/login', ['text/html', 'Who are you?']);
    decide(at, 10);
    await at.features.metrics.flush();
    expect(at.codes).toEqual(['SINK_FAILED']);
    server.answerMetrics = undefined;
    await at.features.metrics.flush();
    expect(decisions(server)).toBe(10);
  });
});

onlyTypeScript('which may be given sinks', () => {
  describe('a sink that', () => {
    const broken: [string, () => unknown][] = [
      [
        'throws',
        () => {
          throw new Error('no disk');
        },
      ],
      ['rejects', () => Promise.reject(new Error('no disk'))],
      [
        'throws what is no error',
        () => {
          throw undefined;
        },
      ],
    ];
    test.each(broken)('%s is given the same batch again, and keeps no flag from being decided', async (_, fail) => {
      let failing = true;
      const batches: [sequence: number, decisions: number | undefined][] = [];
      const sink = functionSink((batch) => {
        if (failing) return fail();
        return batches.push([batch.sequence, batch.flags().get('old')?.decisions]);
      });
      const { server, at } = await counting({ sinks: [sink] });
      decide(at, 10);
      await at.features.metrics.flush();
      expect(at.codes).toEqual(['SINK_FAILED']);
      expect(at.isOn('old')).toBe(true);
      // The server has it, once.
      expect(decisions(server)).toBe(10);
      failing = false;
      await at.features.metrics.flush();
      await at.features.metrics.flush();
      expect(batches).toEqual([
        [1, 10],
        [2, 1],
      ]);
      expect(decisions(server)).toBe(11);
      expect(server.arrived).toHaveLength(2);
    });

    test('is given batches is not given what was kept, and is damaged', async () => {
      const cache = folder();
      const { at } = await counting({ cache });
      await at.features.close();
      writeFileSync(join(cache, 'batch-7-1'), 'damaged');
      const seen: number[] = [];
      const sinks = [functionSink((batch) => seen.push(batch.flags().get('old')?.decisions ?? 0))];
      const { at: next } = await counting({ cache, sinks });
      decide(next, 3);
      await next.features.metrics.flush();
      expect(next.codes).toEqual(['CACHE_FAILED']);
      expect(seen).toEqual([3]);
    });

    test('fails keeps a batch from no other sink', async () => {
      const seen: number[] = [];
      const sinks = [functionSink((batch) => seen.push(batch.sequence))];
      const { server, at } = await counting({ sinks });
      server.answerMetrics = status(500);
      decide(at, 10);
      await at.features.metrics.flush();
      expect(seen).toEqual([1]);
    });
  });
});

test('flags go on while counts fail for an hour', async () => {
  const { server, at } = await counting({ pollIntervalMs: 60_000 });
  server.answerMetrics = status(500);
  decide(at, 10);
  await at.until(() => at.clock.elapsed() > 3_600_000, 4_000_000);
  expect(server.count('/metrics')).toBeLessThan(60);
  server.publish(AFTER);
  await at.until(() => at.isOn('new'), 100_000);
  server.answerMetrics = undefined;
  await at.until(() => decisions(server) === 10, 300_000);
});
