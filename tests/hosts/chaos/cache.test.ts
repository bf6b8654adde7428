import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '@flcm/features';
import { describe, expect, test } from 'vitest';
import { until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { status } from '../kit/faults.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { AFTER, BEFORE, served, type World, world } from '../kit/world.ts';

/** A folder in which a host has kept what it followed, and the server, which is gone. */
async function kept(): Promise<{ cache: string; url: string; start: () => Promise<World> }> {
  const cache = folder();
  const server = await served();
  const first = await world({ url: server.url, cache });
  await first.features.close();
  server.answer = status(500);
  return { cache, url: server.url, start: () => world({ url: server.url, cache, document: 'flags: {}' }) };
}

const fileOf = (cache: string): string => join(cache, 'snapshot');

describe('what was kept', () => {
  test('is served although there is no server', async () => {
    const { start } = await kept();
    const at = await start();
    expect(at.isOn('old')).toBe(true);
    await at.features.remote.settled;
    expect(at.codes).toEqual(['HTTP_STATUS']);
  });

  const damages: [string, (bytes: Buffer) => Uint8Array | string][] = [
    ['empty', () => ''],
    ['garbage', () => 'garbage'],
    ['garbage in lines', () => 'garbage\ngarbage'],
    ['null', () => 'null\n'],
    ['cut in its head', (bytes) => bytes.subarray(0, 20)],
    ['cut behind its head', (bytes) => bytes.subarray(0, bytes.indexOf(10) + 1)],
    ['cut in its flags', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['changed in one bit', (bytes) => Buffer.concat([bytes.subarray(0, -9), Buffer.from(bytes.subarray(-9)).fill(1)])],
    ['of a version to come', (bytes) => Buffer.from(bytes.toString('latin1').replace(':1,', ':2,'), 'latin1')],
  ];
  test.each(damages)('and is %s is not used, and replaced', async (_, damage) => {
    const { cache, start } = await kept();
    const whole = readFileSync(fileOf(cache));
    writeFileSync(fileOf(cache), damage(whole));
    const at = await start();
    await at.features.remote.settled;
    expect(at.codes).toEqual(['CACHE_FAILED', 'HTTP_STATUS']);
    expect(at.features.snapshot?.flags).toEqual([]);
  });

  test.each(damages)('and is %s keeps nobody from the server', async (_, damage) => {
    const cache = folder();
    const server = await served();
    mkdirSync(cache, { recursive: true });
    const first = await world({ url: server.url, cache });
    await first.features.close();
    const whole = readFileSync(fileOf(cache));
    writeFileSync(fileOf(cache), damage(whole));
    const at = await world({ url: server.url, cache });
    expect(at.isOn('old')).toBe(true);
    expect(at.codes).toEqual(['CACHE_FAILED']);
    // The mark is gone with the bytes.
    expect(server.marks).toEqual([undefined, undefined]);
    await at.features.close();
    expect(readFileSync(fileOf(cache))).toEqual(whole);
  });

  test('by a host of another source is left alone', async () => {
    const { cache } = await kept();
    const other = await served(AFTER);
    const at = await world({ url: other.url, cache });
    expect(at.codes).toEqual([]);
    expect(other.marks).toEqual([undefined]);
    expect(at.isOn('new')).toBe(true);
  });

  test('is older than what the program brings: the newer one is used, and nothing is wrong', async () => {
    const { cache, url } = await kept();
    const at = await world({ url, cache, document: AFTER });
    expect(at.isOn('new')).toBe(true);
    await at.features.remote.settled;
    expect(at.codes).toEqual(['HTTP_STATUS']);
  });

  test('is newer than what the program brings, and used', async () => {
    const cache = folder();
    const server = await served(AFTER);
    await (await world({ url: server.url, cache })).features.close();
    server.answer = status(500);
    const at = await world({ url: server.url, cache, document: BEFORE });
    expect(at.isOn('new')).toBe(true);
  });

  test('is asked for by its mark', async () => {
    const cache = folder();
    const server = await served();
    await (await world({ url: server.url, cache })).features.close();
    const at = await world({ url: server.url, cache });
    await at.features.remote.settled;
    expect(server.marks).toEqual([undefined, server.etag]);
    expect(at.features.remote.state).toBe('fresh');
  });
});

describe('a cache', () => {
  test('where a file is in the place of the folder: flags are followed', async () => {
    const cache = join(folder(), 'taken');
    writeFileSync(cache, 'a file');
    const server = await served();
    const at = await world({ url: server.url, cache });
    expect(at.isOn('old')).toBe(true);
    server.publish(AFTER);
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
    await at.features.close();
    expect(new Set(at.codes)).toEqual(new Set(['CACHE_FAILED']));
    expect(readFileSync(cache, 'utf8')).toBe('a file');
  });

  test('where a folder is in the place of a file: flags are followed, and counts are sent', async () => {
    const cache = folder();
    mkdirSync(join(fileOf(cache), 'taken'), { recursive: true });
    const server = await served();
    const at = await world({ url: server.url, cache, metrics: true });
    expect(at.isOn('old')).toBe(true);
    await at.features.metrics.flush();
    expect(server.arrived).toHaveLength(1);
    server.publish(AFTER);
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
    await at.features.close();
    expect(new Set(at.codes)).toEqual(new Set(['CACHE_FAILED']));
    expect(readdirSync(cache).sort()).toEqual(['breakers', 'instance', 'snapshot']);
  });

  test('whose folder goes away meanwhile: it is made again', async () => {
    const cache = folder();
    const server = await served();
    const at = await world({ url: server.url, cache });
    await until(() => existsSync(fileOf(cache)) && existsSync(join(cache, 'breakers')));
    rmSync(cache, { recursive: true });
    server.publish(AFTER);
    await at.features.remote.sync();
    await at.features.close();
    expect(statSync(fileOf(cache)).size).toBeGreaterThan(100);
    expect(at.codes).toEqual([]);
  });

  onlyTypeScript('which may be given a store of one’s own', () => {
    const full: Store = {
      get: async () => undefined,
      set: () => Promise.reject(Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })),
      delete: async () => {},
      names: async () => [],
    };

    test('that is full: flags are followed, counts are sent', async () => {
      const server = await served();
      const at = await world({ url: server.url, cache: full, metrics: true });
      expect(at.isOn('old')).toBe(true);
      await at.features.metrics.flush();
      expect(server.arrived).toHaveLength(1);
      server.publish(AFTER);
      await at.features.remote.sync();
      expect(at.isOn('new')).toBe(true);
      expect(new Set(at.codes)).toEqual(new Set(['CACHE_FAILED']));
      expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/no space left/) });
    });

    test('that throws at everything, at once: flags are followed', async () => {
      const broken = () => {
        throw new Error('out of order');
      };
      const server = await served();
      const cache = { get: broken, set: broken, delete: broken, names: broken };
      const at = await world({ url: server.url, cache, metrics: true });
      expect(at.isOn('old')).toBe(true);
      await at.features.metrics.flush();
      expect(server.arrived).toHaveLength(1);
      expect(new Set(at.codes)).toEqual(new Set(['CACHE_FAILED']));
    });
  });

  test('leaves no file of its own making behind', async () => {
    const { cache } = await kept();
    expect(readdirSync(cache).sort()).toEqual(['breakers', 'instance', 'snapshot']);
  });
});
