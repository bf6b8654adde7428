import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { revised } from '../../kit/revised.ts';
import { compiled, type FlagServer } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import type { TestClock } from '../kit/host.ts';
import { HOST } from '../kit/which.ts';
import { AFTER, BEFORE, begin, follow, served, testClock, type World, world } from '../kit/world.ts';

const ABSURD = 2n ** 53n;
const FARTHEST = 2n ** 32n;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Other flags, of any revision. */
const other = (revision: bigint): Uint8Array => revised(compiled(AFTER), revision);

const revision = (at: World): bigint | undefined => at.features.snapshot?.revision;

/** Asks, however long the host would wait. */
async function ask(at: World, times = 1): Promise<void> {
  for (let time = 0; time < times; time++) await at.features.remote.sync();
}

/** Lets hours pass, in which the source is polled. */
async function hours(at: World, many: number): Promise<void> {
  const end = at.clock.elapsed() + many * HOUR;
  await at.until(() => at.clock.elapsed() >= end, many * HOUR + 600_000);
}

describe('a revision that jumps by more than 2^32', () => {
  test('is refused once, and the honest one after it is in use', async () => {
    const { server, at } = await follow();
    const honest = server.snapshot;
    server.use(other(ABSURD));
    await ask(at);
    expect(at.codes).toEqual(['REVISION_JUMP']);
    expect(at.diary.of('error')[0]).toMatchObject({
      message: expect.stringMatching(/9007199254740992 .* 2\^32 above 1 /),
    });
    server.use(honest);
    await ask(at);
    server.publish(AFTER);
    await ask(at);
    expect(at.isOn('new')).toBe(true);
    expect(at.codes).toEqual(['REVISION_JUMP']);
  });

  test('is refused by a host without flags as well, restarts included', async () => {
    const cache = folder();
    const server = await served(AFTER);
    const honest = server.snapshot;
    server.use(other(ABSURD));
    const first = await world({ url: server.url, cache });
    expect(revision(first)).toBeUndefined();
    await first.features.close();
    server.use(honest);
    const second = await world({ url: server.url, cache });
    expect(revision(second)).toBe(2n);
    expect(second.codes).toEqual([]);
  });

  test('is refused from 2^32 + 1 on, above what is in use', async () => {
    const { server, at } = await follow();
    server.use(other(FARTHEST + 2n));
    await ask(at);
    expect(revision(at)).toBe(1n);
    server.use(other(FARTHEST + 1n));
    await ask(at);
    expect(revision(at)).toBe(FARTHEST + 1n);
    expect(at.codes).toEqual(['REVISION_JUMP']);
  });

  test('is damage in a cache: the bundled flags are used, and the server is followed', async () => {
    const cache = folder();
    const server = await served();
    await (await world({ url: server.url, cache })).features.close();
    const file = join(cache, 'snapshot');
    const stored = readFileSync(file);
    const head = stored.subarray(0, stored.indexOf(10) + 1);
    writeFileSync(file, Buffer.concat([head, revised(stored.subarray(head.length), ABSURD)]));
    const document = 'revision: 1\nflags: {}';
    const at = await world({ url: server.url, cache, document });
    await ask(at);
    expect(at.codes).toEqual(['CACHE_FAILED']);
    expect(server.marks[1]).toBeUndefined();
    expect(at.isOn('old')).toBe(true);
    await at.features.close();
    const next = await world({ url: server.url, cache, document });
    expect(next.codes).toEqual([]);
  });

  test('is refused when a program brings it', async () => {
    const { starting } = begin({ snapshot: other(FARTHEST + 1n) });
    await expect(starting).rejects.toMatchObject({ code: 'REVISION_JUMP' });
  });
});

describe('a snapshot without revision', () => {
  test('is older than any with one', async () => {
    const { server, at } = await follow();
    server.use(other(0n));
    await ask(at);
    expect(at.codes).toEqual(['OLDER_REVISION']);
    expect(at.isOn('old')).toBe(true);
  });

  test('may follow one without', async () => {
    const server = await served();
    server.use(revised(server.snapshot, 0n));
    const at = await world({ url: server.url });
    server.use(other(0n));
    await ask(at);
    expect(at.codes).toEqual([]);
    expect(at.isOn('new')).toBe(true);
  });

  test('in a cache is older than what a program brings', async () => {
    const cache = folder();
    const server = await served();
    server.use(other(0n));
    await (await world({ url: server.url, cache })).features.close();
    const { starting } = begin({ url: server.url, cache, document: BEFORE, stream: false, metrics: false });
    const features = await starting;
    expect(features.isEnabled('old', 'alice')).toBe(true);
    await features.close();
  });
});

describe('a source that goes on with something older', () => {
  const HIGH = 100n;

  /** A host with a high revision in use, whose server has come back with a lower one. */
  async function behind(): Promise<{
    server: FlagServer;
    cache: string;
    clock: TestClock;
    start: () => Promise<World>;
  }> {
    const [cache, clock] = [folder(), testClock()];
    // It asks as seldom as a host does that fails.
    clock.chance = () => 0.999;
    const server = await served();
    const snapshot = revised(server.snapshot, HIGH);
    server.use(snapshot);
    // A page keeps nothing: what it begins with is given.
    const kept = HOST === 'page' ? { snapshot } : { cache };
    const start = () => world({ url: server.url, clock, ...kept });
    await (await start()).features.close();
    server.use(other(7n));
    return { server, cache, clock, start };
  }

  test('for 24 hours is followed, and that is reported', async () => {
    const { start } = await behind();
    const at = await start();
    await ask(at);
    await hours(at, 23.9);
    expect(revision(at)).toBe(HIGH);
    expect(new Set(at.codes)).toEqual(new Set(['OLDER_REVISION']));
    await hours(at, 0.3);
    expect(revision(at)).toBe(7n);
    expect(at.isOn('new')).toBe(true);
    expect(at.codes.filter((code) => code === 'REVISION_RESET')).toHaveLength(1);
    expect(at.codes.at(-1)).toBe('REVISION_RESET');
    expect(at.features.remote.state).toBe('fresh');
  });

  test('is followed although each of its revisions is another one', async () => {
    const { server, start } = await behind();
    const at = await start();
    for (const low of [7n, 9n, 0n, 99n, 7n]) {
      server.use(other(low));
      await ask(at);
      expect(revision(at)).toBe(HIGH);
      await hours(at, 4.75);
    }
    server.use(other(8n));
    await hours(at, 0.5);
    expect(revision(at)).toBe(8n);
  });

  test('is followed after restarts as well: the 24 hours go on', async () => {
    const { clock, start } = await behind();
    for (let time = 0; time < 4; time++) {
      const at = await start();
      await ask(at);
      expect(revision(at)).toBe(HIGH);
      await at.features.close();
      await clock.pass(6 * HOUR);
    }
    const at = await start();
    await ask(at);
    expect(revision(at)).toBe(7n);
    expect(at.codes).toContain('REVISION_RESET');
    await at.features.close();
    // What was taken is what the next one begins with.
    const next = await start();
    expect(revision(next)).toBe(7n);
    expect(next.codes).toEqual([]);
  });

  test.each([
    ['the same', HIGH],
    ['a higher one', HIGH + 1n],
    ['one that jumps', ABSURD],
  ])('but answers with %s in between begins the 24 hours anew, restarts included', async (_, between) => {
    const { server, clock, start } = await behind();
    const at = await start();
    await ask(at);
    await hours(at, 23);
    const low = server.snapshot;
    server.use(between === HIGH ? revised(compiled(BEFORE), HIGH) : other(between));
    await ask(at);
    server.use(low);
    await at.features.close();
    await clock.pass(2 * HOUR);
    const next = await start();
    await ask(next);
    await hours(next, 23);
    expect(revision(next)).toBe(between === ABSURD ? HIGH : between);
    expect(next.codes).not.toContain('REVISION_RESET');
  });

  test('is not followed sooner because a clock was set', async () => {
    const { clock, start } = await behind();
    const at = await start();
    await ask(at);
    clock.jump(2 * DAY);
    await ask(at, 3);
    expect(revision(at)).toBe(HIGH);
    clock.jump(-4 * DAY);
    await at.features.close();
    // A time to come is no beginning of anything.
    const next = await start();
    await ask(next);
    await hours(next, 24.3);
    expect(revision(next)).toBe(7n);
  });

  test('is not followed for what it did not answer', async () => {
    const { server, start } = await behind();
    server.answer = (_, response) => response.writeHead(500).end();
    const at = await start();
    await hours(at, 25);
    server.answer = undefined;
    await ask(at);
    expect(revision(at)).toBe(HIGH);
  });
});
