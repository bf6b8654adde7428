import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFeatures, type FeaturesOptions } from '@flcm/features';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { ManualClock, settle } from '../kit/clock.ts';
import { halfBody, silence, status } from '../kit/faults.ts';
import { compiled, FlagServer, until } from '../kit/server.ts';
import { folder } from '../kit/sockets.ts';
import { AFTER, BEFORE, Diary } from '../kit/world.ts';

const MANY = compiled(`flags:\n${Array.from({ length: 2000 }, (_, flag) => `  flag${flag}: {}`).join('\n')}`);

const GUARDED = `flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, window: 300 } } }`;

/** Everything that can be closed, and what must be true of it then. */
async function scene(
  options: Partial<FeaturesOptions>,
  prepare: (server: FlagServer) => void = () => {},
): Promise<{ server: FlagServer; clock: ManualClock; diary: Diary; creating: ReturnType<typeof createFeatures> }> {
  const server = await FlagServer.start(BEFORE);
  onTestFinished(() => server.kill());
  server.keepAlive = false;
  prepare(server);
  const clock = new ManualClock();
  const diary = new Diary();
  const creating = createFeatures({ url: server.url, clock, ...options }, diary.listeners);
  return { server, clock, diary, creating };
}

type Scene = Omit<Awaited<ReturnType<typeof scene>>, 'creating'>;

/** How many files and folders this process watches: those that do not keep it alive are no active resources. */
function watchers(): number {
  const active = process.getActiveResourcesInfo().filter((kind) => kind.startsWith('FSEvent')).length;
  if (process.platform !== 'linux') return active;
  const infos = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      // That of the folder itself, which is closed by now.
      return '';
    }
  });
  return infos.join('\n').match(/^inotify/gm)?.length ?? 0;
}

/** Closes, lets a second pass where a sink is waited for, and sees that nothing is left, and nothing happens any more. */
async function closes({ server, clock, diary }: Scene, features: { close(): Promise<void> }): Promise<void> {
  const warn = vi.spyOn(console, 'warn');
  let closed = false;
  const closing = features.close().then(() => {
    closed = true;
  });
  await settle();
  if (!closed) await clock.until(() => closed, 100, 3000);
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
  expect(watchers()).toBe(0);
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
}

describe('closing', () => {
  test('at rest leaves nothing, decides on, and may be done twice', async () => {
    const { creating, ...at } = await scene({});
    const features = await creating;
    await until(() => at.server.streams.size === 1);
    await closes(at, features);
    await features.close();
    expect(features.isEnabled('old', 'alice')).toBe(true);
    await features.remote.sync();
    await features.metrics.flush();
  });

  test('while it is created', async () => {
    const { creating, ...at } = await scene({}, (server) => {
      server.answer = silence;
      server.answerStream = silence;
    });
    await until(() => at.server.open.size === 2);
    await at.clock.pass(2000);
    const features = await creating;
    expect(features.remote.state).toBe('initializing');
    await closes(at, features);
  });

  test('while it is created, by a listener', async () => {
    const { server, clock, diary, creating } = await scene({ stream: true });
    const features = await creating;
    features.on('error', () => void features.close());
    server.answer = status(500);
    await features.remote.sync();
    expect(diary.codes).toEqual(['HTTP_STATUS']);
    await closes({ server, clock, diary }, features);
  });

  test.each(['sync', 'state'] as const)('by a listener of `%s`', async (event) => {
    const { server, clock, diary, creating } = await scene({}, (of) => {
      of.answer = status(500);
    });
    const features = await creating;
    features.on(event, () => void features.close());
    server.answer = undefined;
    await features.remote.sync();
    await closes({ server, clock, diary }, features);
  });

  test('by a listener of `fleet`, with more behind it', async () => {
    const { creating, ...at } = await scene({});
    const features = await creating;
    await until(() => at.diary.of('fleet').length === 1);
    features.on('fleet', () => void features.close());
    const trips = '{"epoch":9,"sequence":1,"flags":{}}';
    for (const stream of at.server.streams) {
      stream.write(`event: trips\ndata: ${trips}\n\nevent: snapshot\ndata: {"digest":"other"}\n\n`);
    }
    await until(() => at.diary.of('fleet').length === 2);
    await closes(at, features);
  });

  test('while it polls', async () => {
    const { creating, ...at } = await scene({});
    const features = await creating;
    at.server.answer = halfBody(compiled(AFTER));
    void features.remote.sync();
    await until(() => at.server.count('/flags') === 2);
    await closes(at, features);
    expect(features.isEnabled('old', 'alice')).toBe(true);
  });

  test('while its stream connects', async () => {
    const { creating, ...at } = await scene({}, (server) => {
      server.answerStream = silence;
    });
    const features = await creating;
    await until(() => at.server.count('/flags/stream') === 1);
    await closes(at, features);
  });

  test('while its stream waits to connect anew', async () => {
    const { creating, ...at } = await scene({}, (server) => {
      server.answerStream = status(500);
    });
    const features = await creating;
    await until(() => at.diary.codes.length === 1);
    await closes(at, features);
  });

  test('while counts are on their way to a server that hangs', async () => {
    const cache = folder();
    const { creating, ...at } = await scene({ cache }, (server) => {
      server.answerMetrics = silence;
    });
    const features = await creating;
    features.isEnabled('old', 'alice');
    void features.metrics.flush();
    await until(() => at.server.count('/metrics') === 1);
    features.isEnabled('old', 'bob');
    await closes(at, features);
    expect(at.diary.codes).toEqual([]);
  });

  test('while counts are with a sink that never ends', async () => {
    const sinks = [{ send: () => new Promise<void>(() => {}) }];
    const { creating, ...at } = await scene({ sinks, metrics: false });
    const features = await creating;
    features.isEnabled('old', 'alice');
    void features.metrics.flush();
    await closes(at, features);
  });

  test('sends what was counted', async () => {
    const { creating, ...at } = await scene({});
    const features = await creating;
    features.isEnabled('old', 'alice');
    await closes(at, features);
    expect(at.server.arrived).toHaveLength(1);
  });

  test('while a change is compared', async () => {
    const { creating, ...at } = await scene({ stream: false });
    const features = await creating;
    at.server.use(MANY);
    await features.remote.sync();
    expect(features.snapshot?.flags).toHaveLength(2000);
    // It is compared in parts, and waits for its turn.
    const before = at.diary.of('change').length;
    await closes(at, features);
    expect(at.diary.of('change')).toHaveLength(before);
  });

  test.each(['hangs', 'fails'])('while a notification is on its way to somebody who %s', async (how) => {
    const { server, clock, diary, creating } = await scene(
      { document: GUARDED, stream: false, metrics: false },
      (of) => {
        of.answer = status(500);
      },
    );
    await creating.then((features) => features.close());
    server.answerMetrics = how === 'hangs' ? silence : status(500);
    const notify = [{ url: `${server.url}/metrics` }];
    const features = await createFeatures({ document: GUARDED, clock, notify }, diary.listeners);
    for (let user = 0; features.breaker.state('risky') === 'closed' && user < 5000; user++) {
      const context = features.for({ targetingKey: `user${user}` });
      context.record('risky', { failed: context.isEnabled('risky') });
      if (user % 50 === 0) await clock.pass(1000);
    }
    expect(diary.of('rollback')).toHaveLength(1);
    await until(() => server.count('/metrics') === 1);
    if (how === 'fails') await until(() => server.open.size === 0);
    await closes({ server, clock, diary }, features);
  });

  test('leaves no file watched', async () => {
    const file = join(folder(), 'flags.yaml');
    writeFileSync(file, BEFORE);
    const { creating, ...at } = await scene({ url: undefined, file } as never);
    const features = await creating;
    expect(watchers()).toBe(1);
    writeFileSync(file, AFTER);
    await closes(at, features);
  });

  test('at each of many moments', async () => {
    for (let turns = 0; turns < 40; turns++) {
      const { creating, ...at } = await scene({ cache: folder() });
      let features: Awaited<typeof creating> | undefined;
      void creating.then((created) => {
        features = created;
      });
      await until(() => features !== undefined);
      features?.isEnabled('old', 'alice');
      void features?.metrics.flush();
      void features?.remote.sync();
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      if (turns % 4 === 3) await settle();
      if (features) await closes(at, features);
      expect(at.diary.codes).toEqual([]);
    }
  });
});
