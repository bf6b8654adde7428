import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { engine } from '@flcm/flags-node';
import { describe, expect, test } from 'vitest';
import { compiled, type FlagServer, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { silence } from '../kit/faults.ts';
import { ended, run } from '../kit/script.ts';
import { served, world } from '../kit/world.ts';

const decisions = ({ totals }: FlagServer): number | undefined =>
  totals?.metrics.summary(totals.flag('old'))?.decisions;

describe('a process that is killed between drain and acknowledgement', () => {
  const moments: [string, (server: FlagServer) => FlagServer['answerMetrics']][] = [
    ['before the server has taken the batch', () => silence],
    [
      'after the server has counted it',
      (server) => (request) => server.takeBatch(request, { writeHead: () => ({ end: () => {} }) } as never),
    ],
  ];
  test.each(moments)('%s, loses nothing, and nothing counts twice', async (_, answer) => {
    const server = await served();
    server.answerMetrics = answer(server);
    const options = { url: server.url, cache: folder(), stream: false };
    const child = await run('counts', options);
    await until(() => server.count('/metrics') === 1);
    await until(() => readdirSync(options.cache).some((name) => name.startsWith('batch-')));
    const before = decisions(server);
    child.kill('SIGKILL');
    expect(await ended(child)).toBe('SIGKILL');
    server.answerMetrics = undefined;
    expect(await ended(await run('sends', options))).toBe(0);
    expect(server.arrived.length - (before === undefined ? 0 : 1)).toBe(1);
    expect(new Set(server.arrived.map((name) => `${name.instance}/${name.epoch}/${name.sequence}`)).size).toBe(1);
    expect(decisions(server)).toBe(100);
    expect(readdirSync(options.cache).filter((name) => name.startsWith('batch-'))).toEqual([]);
  });
});

/** Flags whose file takes more than one write. */
const large = (serve: boolean): Uint8Array => {
  const flags = Array.from({ length: 1000 }, (_, flag) => `  flag${flag}: { enabled: ${serve} }`);
  return compiled(`flags:\n${flags.join('\n')}`);
};

/** Gives other flags each time. */
function alternate(server: FlagServer): void {
  const bodies = [large(true), large(false)];
  let asked = 0;
  server.answer = (_, response) =>
    response.writeHead(200, { 'content-type': 'application/vnd.flcm.snapshot' }).end(bodies[asked++ % 2]);
}

/** Reads what is kept, over and over, and sees that it is whole. */
async function watched(cache: string, done: () => boolean): Promise<number> {
  let seen = 0;
  while (!done()) {
    await setImmediate();
    if (!readdirSync(cache).includes('snapshot')) continue;
    const bytes = readFileSync(join(cache, 'snapshot'));
    const end = bytes.indexOf(10);
    expect(JSON.parse(bytes.subarray(0, end).toString())).toMatchObject({ version: 1 });
    const snapshot = engine.load(bytes.subarray(end + 1));
    expect(snapshot.flagCount).toBe(1000);
    snapshot.free();
    seen++;
  }
  return seen;
}

describe('hosts that write to one folder at the same time', () => {
  test('leave a file whole, as two processes', async () => {
    const server = await served();
    alternate(server);
    const options = { url: server.url, cache: folder(), stream: false, metrics: false };
    const children = await Promise.all([run('syncs', options), run('syncs', options)]);
    const codes: unknown[] = [];
    for (const child of children) void ended(child).then((code) => codes.push(code));
    expect(await watched(options.cache, () => codes.length === 2)).toBeGreaterThan(10);
    expect(codes).toEqual([0, 0]);
    expect(readdirSync(options.cache).sort()).toEqual(['breakers', 'instance', 'snapshot']);
  });

  test('leave a file whole, as two of one process', async () => {
    const server = await served();
    alternate(server);
    const options = { url: server.url, cache: folder() };
    const hosts = await Promise.all([world(options), world(options)]);
    let done = 0;
    for (const { features } of hosts) {
      void (async () => {
        for (let time = 0; time < 60; time++) await features.remote.sync();
        await features.close();
        done++;
      })();
    }
    expect(await watched(options.cache, () => done === 2)).toBeGreaterThan(10);
    expect(hosts.flatMap(({ codes }) => codes)).toEqual([]);
    expect(readdirSync(options.cache).sort()).toEqual(['breakers', 'instance', 'snapshot']);
  });
});
