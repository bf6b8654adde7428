// What a host with pinned keys makes of its own cache.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NOW } from '../../kit/clock.ts';
import { compiled } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { status } from '../kit/faults.ts';
import { DAY, ours, PINNED, publish, signed, stranger } from '../kit/signed.ts';
import { AFTER, BEFORE, type World, type WorldOptions, world } from '../kit/world.ts';

describe('a cache', () => {
  /** A cache that a host has left, and whose server is gone. */
  async function kept(renewed = false): Promise<{ file: string; start: (options?: WorldOptions) => Promise<World> }> {
    const cache = folder();
    const { server, at } = await signed({ cache });
    if (renewed) {
      publish(server, BEFORE, { expires: NOW + 9 * DAY });
      await at.features.remote.sync();
    }
    await at.features.close();
    server.answer = status(500);
    const file = join(cache, 'snapshot');
    return { file, start: (options) => world({ url: server.url, cache, ...PINNED, ...options }) };
  }

  test('is checked, and used although there is no server', async () => {
    const { start } = await kept();
    const at = await start();
    expect(at.isOn('old')).toBe(true);
    await at.features.remote.settled;
    expect(at.codes).toEqual(['HTTP_STATUS']);
  });

  const head = (file: string): Record<string, unknown> => JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '');

  /** Writes the cache with another head, or other flags. */
  function write(file: string, changes: object, snapshot?: Uint8Array): void {
    const bytes = readFileSync(file);
    const flags = snapshot ?? bytes.subarray(bytes.indexOf(10) + 1);
    writeFileSync(file, Buffer.concat([Buffer.from(`${JSON.stringify({ ...head(file), ...changes })}\n`), flags]));
  }

  const changes: [string, (file: string) => void][] = [
    ['whose flags are others', (file) => write(file, {}, compiled(AFTER))],
    ['without its signature', (file) => write(file, { statements: undefined })],
    [
      'that a stranger has signed',
      (file) => {
        const snapshot = compiled(AFTER);
        write(file, { statements: stranger.state({ snapshot, revision: 2, expires: NOW + DAY }) }, snapshot);
      },
    ],
    [
      'whose signature is for another audience',
      (file) => {
        const snapshot = compiled(AFTER);
        write(file, { statements: ours.state({ snapshot, audience: 'test', revision: 2 }) }, snapshot);
      },
    ],
  ];

  test.each(changes)('%s is not used', async (_, change) => {
    const { file, start } = await kept();
    change(file);
    const at = await start();
    await at.features.remote.settled;
    expect([at.codes, at.features.snapshot]).toEqual([['CACHE_FAILED', 'HTTP_STATUS'], undefined]);
  });

  test('holds the host to what it had, over a restart', async () => {
    const cache = folder();
    const { server, at } = await signed({ cache });
    publish(server, AFTER, { issued: NOW + 1 });
    await at.features.remote.sync();
    await at.features.close();
    publish(server, BEFORE);
    const again = await world({ url: server.url, cache, ...PINNED });
    await again.features.remote.settled;
    expect([again.codes, again.isOn('new')]).toEqual([['OLDER_REVISION'], true]);
  });

  test('has the expiry that came with 304 Not Modified', async () => {
    const { start } = await kept(true);
    const at = await start();
    await at.clock.pass(2 * DAY);
    expect([at.codes.includes('SIGNATURE_EXPIRED'), at.isOn('old')]).toEqual([false, true]);
  });

  test('that has expired is used, and stale; a strict host does not use it', async () => {
    const { start, file } = await kept();
    const statements = ours.state({ snapshot: compiled(BEFORE), revision: 1, issued: NOW, expires: NOW - 1 });
    write(file, { statements });
    const at = await start();
    expect([at.codes[0], at.features.remote.state, at.isOn('old')]).toEqual(['SIGNATURE_EXPIRED', 'stale', true]);
    const strict = await start({ strict: true });
    await strict.features.remote.settled;
    expect([strict.codes, strict.features.snapshot]).toEqual([['CACHE_FAILED', 'HTTP_STATUS'], undefined]);
  });
});
