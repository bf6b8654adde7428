import { describe, expect, test } from 'vitest';
import { type Fault, status } from '../kit/faults.ts';
import { AFTER, follow, served, world } from '../kit/world.ts';

describe('a status', () => {
  const words: [number, RegExp][] = [
    [401, /401 .*check `key`/],
    [403, /403 .*check `key`/],
    [404, /404 .*check the URL/],
    [410, /410/],
    [429, /429 .*patience/],
    [500, /500/],
    [503, /503/],
    [204, /204/],
  ];
  test.each(words)('%i keeps what is in use, says %s, and asks for everything next', async (code, says) => {
    const { server, at } = await follow();
    server.publish(AFTER);
    server.answer = status(code);
    await at.features.remote.sync();
    expect(at.codes).toEqual(['HTTP_STATUS']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(says) });
    expect(at.isOn('old')).toBe(true);
    server.answer = undefined;
    await at.until(() => at.isOn('new'), 120_000);
    expect(server.marks.at(-1)).toBeUndefined();
  });

  test('of 500 for an hour is asked less and less often, and makes what is in use stale', async () => {
    const { server, at } = await follow();
    server.answer = status(500);
    await at.features.remote.sync();
    const asked = server.marks.length;
    await at.until(() => at.clock.elapsed() > 3_600_000, 4_000_000);
    // After 60 and 120 s, then each 150 s: chance always gives a half here.
    expect(server.marks.length - asked).toBe(25);
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('stale');
    expect(at.features.remote.ageMs).toBeGreaterThan(3_600_000);
    server.answer = undefined;
    await at.until(() => at.features.remote.state === 'fresh', 300_000);
    expect(at.diary.of('state')).toMatchObject([{ to: 'fresh' }, { to: 'stale' }, { to: 'fresh' }]);
  });
});

describe('`Retry-After`', () => {
  const chances = [0, 0.5, 0.999];
  test.each(chances)('in seconds is waited for, and then a little of chance (%d)', async (chance) => {
    const { server, at } = await follow();
    server.answer = status(429, { 'retry-after': '400' });
    at.clock.chance = () => chance;
    await at.features.remote.sync();
    server.answer = undefined;
    const waited = await at.until(() => server.marks.length === 3);
    expect(waited).toBeCloseTo(400_000 + chance * 120_000, 0);
    expect(at.features.remote.state).toBe('fresh');
  });

  test('as a date is waited for', async () => {
    const { server, at } = await follow();
    const until = new Date(at.clock.now() + 200_000).toUTCString();
    server.answer = status(503, { 'retry-after': until });
    await at.features.remote.sync();
    server.answer = undefined;
    expect(await at.until(() => server.marks.length === 3)).toBeGreaterThanOrEqual(200_000);
  });

  test.each(['soon', '-5', '1e9', 'Thu, 01 Jan 1970 00:00:00 GMT'])('of `%s` changes nothing', async (text) => {
    const { server, at } = await follow();
    server.answer = status(429, { 'retry-after': text });
    await at.features.remote.sync();
    server.answer = undefined;
    expect(await at.until(() => server.marks.length === 3)).toBe(60_000);
  });

  test('of a year is taken for an hour', async () => {
    const { server, at } = await follow();
    server.answer = status(429, { 'retry-after': '31536000' });
    await at.features.remote.sync();
    server.answer = undefined;
    const waited = await at.until(() => server.marks.length === 3, 4_000_000);
    expect(waited).toBe(3_600_000 + 60_000);
  });
});

describe('304', () => {
  const unchanged: Fault = (_, response) => response.writeHead(304).end();

  test('without anything in hand is followed at once by a request for everything', async () => {
    const server = await served();
    server.answer = unchanged;
    const at = await world({ url: server.url });
    expect(at.codes).toEqual(['NOT_MODIFIED']);
    server.answer = undefined;
    expect(await at.until(() => at.isOn('old'))).toBe(0);
    expect(server.marks).toEqual([undefined, undefined]);
  });

  test('to a request for everything, once something is in use, is an error as well', async () => {
    const { server, at } = await follow();
    server.publish(AFTER);
    server.answer = status(500);
    await at.features.remote.sync();
    server.answer = unchanged;
    await at.features.remote.sync();
    expect(at.codes).toEqual(['HTTP_STATUS', 'NOT_MODIFIED']);
    expect(at.isOn('old')).toBe(true);
    server.answer = undefined;
    // The last failure was an answer: what follows does not wait for the server to come back.
    expect(await at.until(() => at.isOn('new'))).toBe(0);
  });

  test('for ever is not asked for in a hurry', async () => {
    const server = await served();
    server.answer = unchanged;
    const at = await world({ url: server.url });
    await at.until(() => at.clock.elapsed() > 600_000);
    expect(server.marks.length).toBeLessThan(20);
    expect(at.features.remote.state).toBe('offline');
  });
});

describe('a redirect', () => {
  test('to a good body is followed', async () => {
    const { server, at } = await follow();
    server.publish(AFTER);
    server.answer = (request, response) => {
      if (request.url?.includes('again')) server.answerFlags(request, response);
      else response.writeHead(302, { location: '/flags?again' }).end();
    };
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
    expect(at.codes).toEqual([]);
    await at.features.remote.sync();
    expect(server.marks.at(-1)).toBe(server.etag);
    expect(at.codes).toEqual([]);
  });

  test('in a loop ends, and is over when the loop is', async () => {
    const { server, at } = await follow();
    server.publish(AFTER);
    server.answer = status(302, { location: '/flags' });
    await at.features.remote.sync();
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/redirect/) });
    expect(at.isOn('old')).toBe(true);
    server.answer = undefined;
    await at.until(() => at.isOn('new'), 120_000);
    expect(server.marks.at(-1)).toBeUndefined();
  });
});
