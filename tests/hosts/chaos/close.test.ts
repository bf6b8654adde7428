import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { settle } from '../../kit/clock.ts';
import { compiled, type FlagServer, soon, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { halfBody, silence, status } from '../kit/faults.ts';
import type { Host } from '../kit/host.ts';
import { onlyTypeScript } from '../kit/only.ts';
import { AFTER, BEFORE, type Beginning, begin, closeOn, pid, served, turns, type WorldOptions } from '../kit/world.ts';

const MANY = compiled(
  `revision: 2\nflags:\n${Array.from({ length: 2000 }, (_, flag) => `  flag${flag}: {}`).join('\n')}`,
);

const GUARDED = `flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, window: 300 } } }`;

/** Everything that can be closed, and what must be true of it then. */
async function scene(
  options: WorldOptions,
  prepare: (server: FlagServer) => void = () => {},
): Promise<Beginning & { server: FlagServer }> {
  const server = await served(BEFORE);
  server.keepAlive = false;
  prepare(server);
  return { server, ...begin({ url: server.url, ...options }) };
}

type Scene = Omit<Awaited<ReturnType<typeof scene>>, 'starting'>;

/** How many files and folders the host's process watches: those that do not keep it alive are no active resources. */
function watchers(): number {
  const active = process.getActiveResourcesInfo().filter((kind) => kind.startsWith('FSEvent')).length;
  if (process.platform !== 'linux') return active;
  const infos = readdirSync(`/proc/${pid()}/fdinfo`).map((fd) => {
    try {
      return readFileSync(`/proc/${pid()}/fdinfo/${fd}`, 'utf8');
    } catch {
      // That of the folder itself, which is closed by now.
      return '';
    }
  });
  return infos.join('\n').match(/^inotify/gm)?.length ?? 0;
}

/** Closes, lets a second pass where a sink is waited for, and sees that nothing is left, and nothing happens any more. */
async function closes({ server, clock, diary, answered }: Scene, features: Host): Promise<void> {
  const warn = vi.spyOn(console, 'warn');
  let closed = false;
  const closing = features.close().then(() => {
    closed = true;
  });
  await answered();
  for (let second = 0; !closed && second < 3; second += 0.1) {
    await clock.pass(100);
    await soon(() => closed);
  }
  await closing;
  expect(clock.waiting).toBe(0);
  const said = diary.events.length;
  await until(() => server.open.size === 0, 'the end of every request');
  await until(() => server.used.size === 0, 'the end of every connection');
  server.answer = undefined;
  server.publish('revision: 9\nflags: {}');
  const asked = server.requests.length;
  await clock.pass(3_600_000);
  await settle();
  expect(server.requests).toHaveLength(asked);
  expect(diary.events).toHaveLength(said);
  expect(clock.waiting).toBe(0);
  await until(() => watchers() === 0, 'the end of watching');
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
}

describe('closing', () => {
  test('at rest leaves nothing, decides on, and may be done twice', async () => {
    const { starting, ...at } = await scene({});
    const features = await starting;
    await until(() => at.server.streams.size === 1);
    await closes(at, features);
    await features.close();
    expect(features.isEnabled('old', 'alice')).toBe(true);
    await features.remote.sync();
    await features.metrics.flush();
  });

  test('while it is created', async () => {
    const { starting, ...at } = await scene({}, (server) => {
      server.answer = silence;
      server.answerStream = silence;
    });
    await until(() => at.server.open.size === 2);
    await at.clock.pass(2000);
    const features = await starting;
    expect(features.remote.state).toBe('initializing');
    await closes(at, features);
  });

  test('while it is created, by a listener', async () => {
    const { starting, ...at } = await scene({ stream: true });
    const features = await starting;
    closeOn(features, 'error');
    at.server.answer = status(500);
    await features.remote.sync();
    expect(at.diary.codes).toEqual(['HTTP_STATUS']);
    await closes(at, features);
  });

  test.each(['sync', 'state'] as const)('by a listener of `%s`', async (event) => {
    const { starting, ...at } = await scene({}, (server) => {
      server.answer = status(500);
    });
    const features = await starting;
    closeOn(features, event);
    at.server.answer = undefined;
    await features.remote.sync();
    await closes(at, features);
  });

  test('by a listener of `fleet`, with more behind it', async () => {
    const { starting, ...at } = await scene({});
    const features = await starting;
    await until(() => at.diary.of('fleet').length === 1);
    closeOn(features, 'fleet');
    const trips = '{"epoch":9,"sequence":1,"flags":{}}';
    for (const stream of at.server.streams) {
      stream.write(`event: trips\ndata: ${trips}\n\nevent: snapshot\ndata: {"digest":"other"}\n\n`);
    }
    await until(() => at.diary.of('fleet').length === 2);
    await closes(at, features);
  });

  test('while it polls', async () => {
    const { starting, ...at } = await scene({});
    const features = await starting;
    at.server.answer = halfBody(compiled(AFTER));
    void features.remote.sync();
    await until(() => at.server.count('/flags') === 2);
    await closes(at, features);
    expect(features.isEnabled('old', 'alice')).toBe(true);
  });

  test('while its stream connects', async () => {
    const { starting, ...at } = await scene({}, (server) => {
      server.answerStream = silence;
    });
    const features = await starting;
    await until(() => at.server.count('/flags/stream') === 1);
    await closes(at, features);
  });

  test('while its stream waits to connect anew', async () => {
    const { starting, ...at } = await scene({}, (server) => {
      server.answerStream = status(500);
    });
    const features = await starting;
    await until(() => at.diary.codes.length === 1);
    await closes(at, features);
  });

  test('while counts are on their way to a server that hangs', async () => {
    const cache = folder();
    const { starting, ...at } = await scene({ cache }, (server) => {
      server.answerMetrics = silence;
    });
    const features = await starting;
    features.isEnabled('old', 'alice');
    void features.metrics.flush();
    await until(() => at.server.count('/metrics') === 1);
    features.isEnabled('old', 'bob');
    await closes(at, features);
    expect(at.diary.codes).toEqual([]);
  });

  onlyTypeScript('which may be given sinks', () => {
    test('while counts are with a sink that never ends', async () => {
      const sinks = [{ send: () => new Promise<void>(() => {}) }];
      const { starting, ...at } = await scene({ sinks, metrics: false });
      const features = await starting;
      features.isEnabled('old', 'alice');
      void features.metrics.flush();
      await closes(at, features);
    });
  });

  test('sends what was counted', async () => {
    const { starting, ...at } = await scene({});
    const features = await starting;
    features.isEnabled('old', 'alice');
    await closes(at, features);
    expect(at.server.arrived).toHaveLength(1);
  });

  onlyTypeScript('which compares in parts, and may be given who is told of rollbacks', () => {
    test('while a change is compared', async () => {
      const { starting, ...at } = await scene({ stream: false });
      const features = await starting;
      at.server.use(MANY);
      await features.remote.sync();
      expect(features.snapshot?.flags).toHaveLength(2000);
      // It is compared in parts, and waits for its turn.
      const before = at.diary.of('change').length;
      await closes(at, features);
      expect(at.diary.of('change')).toHaveLength(before);
    });

    test.each(['hangs', 'fails'])('while a notification is on its way to somebody who %s', async (how) => {
      const server = await served(BEFORE);
      server.keepAlive = false;
      server.answerMetrics = how === 'hangs' ? silence : status(500);
      const notify = [{ url: `${server.url}/metrics` }];
      const { starting, ...at } = begin({ document: GUARDED, notify });
      const features = await starting;
      for (let user = 0; features.breaker.state('risky') === 'closed' && user < 5000; user++) {
        const context = features.for({ targetingKey: `user${user}` });
        context.record('risky', { failed: context.isEnabled('risky') });
        if (user % 50 === 0) await at.clock.pass(1000);
      }
      expect(at.diary.of('rollback')).toHaveLength(1);
      await until(() => server.count('/metrics') === 1);
      if (how === 'fails') await until(() => server.open.size === 0);
      await closes({ server, ...at }, features);
    });
  });

  test('leaves no file watched', async () => {
    const file = join(folder(), 'flags.yaml');
    writeFileSync(file, BEFORE);
    const { starting, ...at } = await scene({ url: undefined, file } as never);
    const features = await starting;
    expect(watchers()).toBe(1);
    writeFileSync(file, AFTER);
    await closes(at, features);
  });

  test('at each of many moments', async () => {
    for (let moment = 0; moment < 40; moment++) {
      const { starting, ...at } = await scene({ cache: folder() });
      let features: Awaited<typeof starting> | undefined;
      void starting.then((created) => {
        features = created;
      });
      await until(() => features !== undefined);
      features?.isEnabled('old', 'alice');
      void features?.metrics.flush();
      void features?.remote.sync();
      await turns(moment);
      if (moment % 4 === 3) await settle();
      if (features) await closes(at, features);
      expect(at.diary.codes).toEqual([]);
    }
  });
});
