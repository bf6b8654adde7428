import { describe, expect, test } from 'vitest';
import { compiled } from '../../kit/server.ts';
import { body, type Fault, flipped, lengthOff, torn, unended } from '../kit/faults.ts';
import { AFTER, BEFORE, follow, served, world } from '../kit/world.ts';

const GOOD = compiled(AFTER);
const OLDER = compiled('flags: { old: { enabled: false } }\nrevision: 1');
const PAGE = '<!doctype html><title>Sign in to the hotel network</title>';

const faults: [string, string, Fault][] = [
  ['truncated', 'INVALID_SNAPSHOT', body(GOOD.subarray(0, GOOD.length - 1))],
  ['truncated to its head', 'INVALID_SNAPSHOT', body(GOOD.subarray(0, 8))],
  ['longer than it is', 'INVALID_SNAPSHOT', body(Buffer.concat([GOOD, Buffer.of(0)]))],
  ['empty', 'EMPTY', body('')],
  ['shorter than its length says', 'FETCH_FAILED', lengthOff(GOOD, 1)],
  ['longer than its length says', 'INVALID_SNAPSHOT', lengthOff(GOOD, -1)],
  ['a page', 'WRONG_TYPE', body(PAGE, { 'content-type': 'text/html; charset=utf-8' })],
  ['a page that says it is a snapshot', 'INVALID_SNAPSHOT', body(PAGE)],
  ['an error as JSON', 'INVALID_DOCUMENT', body('{"error":"busy"}', { 'content-type': 'application/json' })],
  ['a document that is no text', 'WRONG_TYPE', body(Buffer.of(0xff, 0xfe), { 'content-type': 'application/yaml' })],
  ['garbage', 'INVALID_SNAPSHOT', body(Buffer.alloc(4096, 'garbage'))],
  ['a snapshot with one bit flipped', 'INVALID_SNAPSHOT', body(flipped(GOOD, 8 * 40 + 3))],
  ['a snapshot of a version to come', 'INVALID_SNAPSHOT', body(flipped(GOOD, 8 * 4))],
  ['torn in the middle', 'FETCH_FAILED', torn(GOOD)],
  ['without an end', 'FETCH_FAILED', unended(GOOD)],
  ['too large', 'TOO_LARGE', body(Buffer.alloc(5000))],
];

describe('a body that is', () => {
  test.each(faults)('%s: %s, nothing is lost, and the next request asks for everything', async (_, code, fault) => {
    const { server, at } = await follow({ maxBytes: 4999 });
    const { etag } = server;
    server.publish(AFTER);
    server.answer = fault;
    await at.features.remote.sync();
    expect(at.codes).toEqual([code]);
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('fresh');
    server.answer = undefined;
    await at.until(() => at.isOn('new'), 120_000);
    expect(server.marks).toEqual([undefined, etag, undefined]);
    expect(at.isOn('old')).toBe(false);
    expect(at.codes).toEqual([code]);
    await at.features.remote.sync();
    expect(server.marks.at(-1)).toBe(server.etag);
  });

  test.each(faults)('%s: %s at the first request is offline, and no longer than that', async (_, code, fault) => {
    const server = await served(AFTER);
    server.answer = fault;
    const at = await world({ url: server.url, maxBytes: 4999 });
    expect(at.codes).toEqual([code]);
    expect(at.features.remote.state).toBe('offline');
    expect(at.isOn('new')).toBe(false);
    server.answer = undefined;
    // There is nothing to serve, so it is asked again within a second.
    expect(await at.until(() => at.isOn('new'))).toBeLessThanOrEqual(1000);
    expect(server.marks).toEqual([undefined, undefined]);
  });

  test('flipped in any one bit is not used', async () => {
    const { server, at } = await follow();
    for (let bit = 0; bit < 8 * GOOD.length; bit += 7) {
      server.answer = body(flipped(GOOD, bit));
      await at.features.remote.sync();
      expect(at.isOn('old')).toBe(true);
      expect(at.codes).toHaveLength(bit / 7 + 1);
    }
    expect(new Set(at.codes)).toEqual(new Set(['INVALID_SNAPSHOT']));
  });
});

describe('an older revision', () => {
  test('is refused, and what follows is not', async () => {
    const server = await served(AFTER);
    const at = await world({ url: server.url });
    server.use(OLDER);
    await at.features.remote.sync();
    expect(at.codes).toEqual(['OLDER_REVISION']);
    expect(at.isOn('new')).toBe(true);
    expect(at.features.snapshot?.revision).toBe(2n);
    server.publish('revision: 3\nflags: { third: { rollout: { percentage: 100 } } }');
    await at.until(() => at.isOn('third'), 120_000);
    expect(server.marks.at(-1)).toBeUndefined();
  });

  test('which the server goes on with is asked for in full, and never in use', async () => {
    const server = await served(AFTER);
    const at = await world({ url: server.url });
    server.publish(BEFORE);
    for (let poll = 0; poll < 5; poll++) await at.features.remote.sync();
    expect(server.marks).toEqual([undefined, `"${at.features.snapshot?.digest}"`, ...Array(4).fill(undefined)]);
    expect(at.isOn('new')).toBe(true);
    await at.until(() => at.features.remote.state === 'stale');
    expect(at.diary.of('stale')).toHaveLength(1);
  });
});
