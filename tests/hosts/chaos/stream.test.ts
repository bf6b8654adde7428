import { describe, expect, test } from 'vitest';
import { type FlagServer, until } from '../../kit/server.ts';
import { status } from '../kit/faults.ts';
import { AFTER, follow, type World, type WorldOptions } from '../kit/world.ts';

/** Flags with a stream that stands. */
async function streamed(options: WorldOptions = {}): Promise<{ server: FlagServer; at: World }> {
  const both = await follow({ stream: true, ...options });
  await until(() => both.server.streams.size === 1, 'a stream');
  // The first event of a stream is about what is in use already.
  await until(() => both.at.diary.of('fleet').length === 1, 'what the fleet says');
  return both;
}

/** Writes to every stream as it is. */
function write(server: FlagServer, text: string): void {
  for (const stream of server.streams) stream.write(text);
}

const count = (server: FlagServer): number => server.count('/flags/stream');

describe('a stream that is silent', () => {
  test('for 45 s is connected anew', async () => {
    const { server, at } = await streamed();
    await at.clock.pass(44_999);
    expect(count(server)).toBe(1);
    await at.clock.pass(1);
    await until(() => at.codes.length === 1);
    expect(at.codes).toEqual(['STREAM_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/silent for 45000 ms/) });
    await until(() => server.streams.size === 0, 'the end of the old one');
    await at.until(() => server.streams.size === 1, 10_000);
    expect(count(server)).toBe(2);
    expect(at.isOn('old')).toBe(true);
  });

  test('but for its heartbeat stands', async () => {
    const { server, at } = await streamed();
    for (let beat = 0; beat < 40; beat++) {
      await at.clock.pass(15_000);
      server.beat();
      // An event behind it shows that the beat has arrived.
      server.trip({});
      await until(() => at.diary.of('fleet').length === beat + 2);
    }
    expect(count(server)).toBe(1);
    expect(at.codes).toEqual([]);
  });

  test('for the comment alone stands as well', async () => {
    const { server, at } = await streamed({ pollIntervalMs: 0 });
    await at.clock.pass(44_000);
    expect(at.clock.next).toBe(1000);
    server.beat();
    await until(() => at.clock.next === 45_000, 'the beat');
    await at.clock.pass(44_000);
    expect(count(server)).toBe(1);
    expect(at.codes).toEqual([]);
  });

  test('from the first moment on is given up, and polled meanwhile', async () => {
    const { server, at } = await follow({ stream: true });
    await until(() => server.streams.size === 1);
    server.answerStream = () => {};
    for (const stream of server.streams) stream.end();
    await at.until(() => count(server) === 2, 10_000);
    server.publish(AFTER);
    await at.until(() => at.isOn('new'), 90_000);
    await at.until(() => at.codes.length === 2, 45_000);
    expect(at.codes).toEqual(['STREAM_FAILED', 'STREAM_FAILED']);
    server.answerStream = undefined;
    await at.until(() => server.streams.size === 1, 120_000);
  });
});

describe('a stream that cannot be', () => {
  const answers: [string, FlagServer['answerStream']][] = [
    ['there', status(404)],
    ['read', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>')],
    ['allowed', status(401)],
    ['borne', status(503, { 'retry-after': '30' })],
  ];
  test.each(answers)('%s is no reason not to poll', async (_, answer) => {
    const { server, at } = await follow({ stream: true });
    await until(() => server.streams.size === 1);
    server.answerStream = answer;
    for (const stream of server.streams) stream.end();
    await at.until(() => at.codes.length === 2, 120_000);
    expect(new Set(at.codes)).toEqual(new Set(['STREAM_FAILED']));
    server.publish(AFTER);
    await at.until(() => at.isOn('new'), 90_000);
    server.answerStream = undefined;
    await at.until(() => server.streams.size === 1, 300_000);
  });

  test('borne by the server is left alone for as long as it says', async () => {
    const { server, at } = await streamed();
    server.answerStream = status(503, { 'retry-after': '200' });
    for (const stream of server.streams) stream.end();
    await at.until(() => count(server) === 2);
    server.answerStream = undefined;
    await until(() => at.codes.length === 2);
    expect(await at.until(() => server.streams.size === 1)).toBeGreaterThanOrEqual(200_000);
  });
});

describe('events', () => {
  const trips = (sequence: number, trip: string | undefined, epoch = 9): string =>
    `event: trips\ndata: ${JSON.stringify({ epoch, sequence, flags: trip === undefined ? {} : { old: { trip } } })}\n\n`;

  test('that come twice, or late, are no news', async () => {
    const { server, at } = await streamed();
    write(server, trips(5, 'off'));
    await until(() => !at.isOn('old'));
    write(server, trips(5, undefined) + trips(4, undefined) + trips(900, undefined, 8) + trips(6, 'probing'));
    await until(() => at.features.explain('old').trip === 'probing');
    expect(at.diary.of('fleet')).toHaveLength(3);
    write(server, trips(7, undefined));
    await until(() => at.isOn('old'));
    expect(at.codes).toEqual([]);
  });

  test('of a server that counts anew are news, on a new connection', async () => {
    const { server, at } = await streamed();
    write(server, trips(5, 'off'));
    await until(() => !at.isOn('old'));
    for (const stream of server.streams) stream.end();
    await at.until(() => at.isOn('old'), 10_000);
    expect(at.codes).toEqual(['STREAM_FAILED']);
  });

  test('that announce the same snapshot ten times lead to one request', async () => {
    const { server, at } = await streamed();
    server.publish(AFTER);
    for (let time = 0; time < 9; time++) server.use(server.snapshot);
    await at.until(() => at.isOn('new'), 2000);
    await at.clock.pass(2000);
    expect(server.marks).toHaveLength(2);
  });

  const malformed: [string, string, string][] = [
    ['snapshot', 'STREAM_FAILED', '{'],
    ['snapshot', 'STREAM_FAILED', 'null'],
    ['snapshot', 'STREAM_FAILED', '{"digest":7}'],
    ['trips', 'INVALID_TRIPS', '{'],
    ['trips', 'INVALID_TRIPS', 'null'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"flags":{}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":1.5,"flags":{}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":[]}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"new":{"trip":"clear"},"old":null}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"old":{"trip":true}}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"old":{"trip":"clear","generation":-1}}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"old":{"trip":"purple"}}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"old":{"trip":"capped 100001"}}}'],
    ['trips', 'INVALID_TRIPS', '{"epoch":9,"sequence":9,"flags":{"old":{"trip":"clear","generation":4294967296}}}'],
  ];
  test.each(malformed)('`%s` that cannot be read, %s: %s, change nothing', async (event, code, data) => {
    const { server, at } = await streamed();
    write(server, trips(1, 'off'));
    await until(() => !at.isOn('old'));
    write(server, `event: ${event}\ndata: ${data}\n\n`);
    await until(() => at.codes.length > 0);
    expect(at.codes).toEqual([code]);
    expect(at.isOn('old')).toBe(false);
    await at.clock.pass(2000);
    expect(server.marks).toHaveLength(1);
    // The stream stands, and the next event counts.
    write(server, trips(10, undefined));
    await until(() => at.isOn('old'));
    expect(count(server)).toBe(1);
  });

  test.each(['{"trip":"capped 100001"}', '{"trip":"clear","generation":4294967296}'])(
    'with a state of the fleet that the engine refuses, %s, keep no later snapshot from being used',
    async (flag) => {
      const { server, at } = await streamed();
      write(server, `event: trips\ndata: {"epoch":9,"sequence":9,"flags":{"old":${flag}}}\n\n`);
      await until(() => at.codes.length > 0);
      server.publish(AFTER);
      await at.until(() => at.isOn('new'), 2000);
      expect(at.codes).toEqual(['INVALID_TRIPS']);
    },
  );

  test('may name a generation of null, which is none', async () => {
    const { server, at } = await streamed();
    write(server, 'event: trips\ndata: {"epoch":9,"sequence":9,"flags":{"old":{"trip":"off","generation":null}}}\n\n');
    await until(() => !at.isOn('old'));
    expect(at.codes).toEqual([]);
  });

  test('that announce fifty digests a second lead to one request in `streamSpreadMs`', async () => {
    const { server, at } = await streamed({ pollIntervalMs: 0 });
    at.clock.chance = () => 0.01;
    for (let time = 1; time <= 100; time++) {
      write(server, `event: snapshot\ndata: {"digest":"${time}"}\n\n`);
      // An event behind it shows that it has arrived.
      write(server, trips(time, undefined));
      await until(() => at.diary.of('fleet').length === time + 1);
      await at.clock.pass(20);
      await at.features.remote.settled;
    }
    const asked = server.marks.length - 1;
    expect(asked).toBeGreaterThanOrEqual(3);
    expect(asked).toBeLessThanOrEqual(5);
    expect(at.codes).toEqual([]);
  });

  test('that nobody knows, and lines that are none, are passed over', async () => {
    const { server, at } = await streamed();
    write(server, 'event: weather\ndata: rain\n\nnonsense\n\nid: 7\nretry: soon\n\ndata: {}\n\n');
    write(server, trips(1, 'off'));
    await until(() => !at.isOn('old'));
    expect(at.codes).toEqual([]);
  });

  test('without an end are given up, and the connection with them', async () => {
    const { server, at } = await streamed();
    write(server, `event: trips\ndata: ${'x'.repeat(3 << 20)}`);
    await until(() => at.codes.length === 1);
    expect(at.codes).toEqual(['STREAM_FAILED']);
    await until(() => server.streams.size === 0, 'the end of the connection');
    await at.until(() => server.streams.size === 1, 10_000);
    expect(at.isOn('old')).toBe(true);
  });
});
