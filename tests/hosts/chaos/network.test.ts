import { describe, expect, test } from 'vitest';
import { compiled, until } from '../../kit/server.ts';
import { deadPort, deafPort, folder, selfSigned } from '../../kit/sockets.ts';
import { type Fault, halfBody, halfHead, silence } from '../kit/faults.ts';
import { AFTER, BEFORE, follow, served, testClock, world } from '../kit/world.ts';

/** What is in use when no answer ever comes. */
const AT_HAND = { document: BEFORE };

describe('a server that hangs', () => {
  const hangs: [string, Fault][] = [
    ['before it answers', silence],
    ['in its headers', halfHead],
    ['in its body', halfBody(compiled(AFTER))],
  ];
  test.each(hangs)('%s is given up after `fetchTimeoutMs`, and asked for everything again', async (_, fault) => {
    const { server, at } = await follow({ fetchTimeoutMs: 700 });
    server.publish(AFTER);
    server.answer = fault;
    const syncing = at.features.remote.sync();
    await until(() => server.marks.length === 2);
    await at.clock.pass(699);
    expect(at.codes).toEqual([]);
    await at.clock.pass(1);
    await until(() => at.codes.length === 1, 'the end of waiting');
    await syncing;
    expect(at.codes).toEqual(['TIMEOUT']);
    expect(at.isOn('old')).toBe(true);
    await until(() => server.open.size === 0, 'the end of the request');
    server.answer = undefined;
    await at.until(() => at.isOn('new'), 120_000);
    expect(server.marks.at(-1)).toBeUndefined();
  });

  test('does not keep `createFeatures` from an answer, and takes effect when it comes late', async () => {
    const server = await served();
    let letGo = () => {};
    server.answer = (request, response) => {
      letGo = () => server.answerFlags(request, response);
    };
    const clock = testClock();
    const creating = world({ clock, url: server.url, initTimeoutMs: 300 });
    await until(() => server.marks.length === 1);
    await clock.pass(300);
    const at = await creating;
    expect(at.features.remote.state).toBe('initializing');
    expect(at.isOn('old')).toBe(false);
    letGo();
    await until(() => at.isOn('old'));
    expect(at.features.remote.state).toBe('fresh');
    expect(at.codes).toEqual([]);
  });

  test('on connecting is given up as well', async () => {
    const at = await world({ url: `http://127.0.0.1:${await deafPort()}`, ...AT_HAND });
    expect(at.isOn('old')).toBe(true);
    await at.clock.pass(4999);
    expect(at.codes).toEqual([]);
    await at.clock.pass(1);
    await at.features.remote.settled;
    expect(at.codes).toEqual(['TIMEOUT']);
    expect(at.isOn('old')).toBe(true);
  });
});

describe('nobody answers', () => {
  test('because nobody listens; once somebody does, he is heard', async () => {
    const server = await served();
    const { url } = server;
    await server.kill();
    const at = await world({ url, document: 'flags: {}' });
    await at.features.remote.settled;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({
      message: expect.stringMatching(/connection refused|ECONNREFUSED/i),
    });
    await server.restart();
    await at.until(() => at.isOn('old'), 120_000);
  });

  test('because the name is nobody’s', async () => {
    const at = await world({ url: 'http://flags.invalid', ...AT_HAND });
    await at.features.remote.settled;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/ENOTFOUND|EAI_AGAIN|dns error/) });
    expect(at.isOn('old')).toBe(true);
  });

  test('because the port speaks no TLS', async () => {
    const server = await served();
    const at = await world({ url: server.url.replace('http:', 'https:'), ...AT_HAND });
    await at.features.remote.settled;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({ message: expect.stringMatching(/ssl|tls|corrupt message/i) });
    expect(at.isOn('old')).toBe(true);
  });

  test('who can be trusted: the certificate is its own', async () => {
    let asked = 0;
    const url = await selfSigned((_, response) => {
      asked++;
      response.end();
    });
    const at = await world({ url, ...AT_HAND });
    await at.features.remote.settled;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.diary.of('error')[0]).toMatchObject({
      message: expect.stringMatching(/self-signed certificate|invalid peer certificate/),
    });
    expect(at.isOn('old')).toBe(true);
    expect(asked).toBe(0);
  });

  test('and what was kept is served from the first moment', async () => {
    const cache = folder();
    const server = await served();
    const first = await world({ url: server.url, cache });
    await first.features.close();
    await server.kill();
    const at = await world({ url: server.url, cache });
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('stale');
    await at.features.remote.settled;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    // Another source's flags are not this one's.
    const other = await world({ url: `http://127.0.0.1:${await deadPort()}`, cache });
    expect(other.isOn('old')).toBe(false);
    expect(other.features.remote.state).toBe('offline');
  });
});

describe('a server that is killed', () => {
  test('in the middle of an answer, and comes back with other flags', async () => {
    const { server, at } = await follow();
    server.answer = halfBody(compiled(AFTER));
    const syncing = at.features.remote.sync();
    await until(() => server.marks.length === 2);
    await server.kill();
    await syncing;
    expect(at.codes).toEqual(['FETCH_FAILED']);
    expect(at.isOn('old')).toBe(true);
    server.answer = undefined;
    server.publish(AFTER);
    await server.restart();
    await at.until(() => at.isOn('new'), 120_000);
    expect(server.marks.at(-1)).toBeUndefined();
  });

  test('while it streams, and comes back with other flags', async () => {
    const { server, at } = await follow({ stream: true });
    await until(() => server.streams.size === 1);
    await server.kill();
    await until(() => at.codes.length === 1);
    expect(at.codes).toEqual(['STREAM_FAILED']);
    expect(at.isOn('old')).toBe(true);
    server.publish(AFTER);
    await server.restart();
    await at.until(() => server.streams.size === 1, 10_000);
    // It says what is new. Every host may have missed that, so that it is asked for as slowly as by polling.
    await at.until(() => at.isOn('new'), 60_000);
    expect(server.streams.size).toBe(1);
    expect(server.marks).toHaveLength(2);
  });

  test('and restarted twenty times is followed by one stream and one poll', async () => {
    const { server, at } = await follow({ stream: true });
    for (let life = 2; life <= 20; life++) {
      await until(() => server.streams.size === 1);
      await server.kill();
      server.publish(`revision: ${life}\nflags: { life${life}: { rollout: { percentage: 100 } } }`);
      await server.restart();
      await at.until(() => at.isOn(`life${life}`) && server.streams.size === 1, 120_000);
    }
    expect(server.streams.size).toBe(1);
    expect(new Set(at.codes)).toEqual(new Set(['STREAM_FAILED']));
  });
});
