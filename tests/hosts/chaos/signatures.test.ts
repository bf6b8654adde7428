// Hosts that have pinned keys, and a content delivery network that is hostile.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { NOW } from '../../kit/clock.ts';
import { revised } from '../../kit/revised.ts';
import { compiled, type FlagServer, until } from '../../kit/server.ts';
import { folder } from '../../kit/sockets.ts';
import { body, flipped, status } from '../kit/faults.ts';
import { DAY, next, ours, PINNED, publish, revisionOf, signed, stranger } from '../kit/signed.ts';
import { AFTER, BEFORE, served, type World, type WorldOptions, world } from '../kit/world.ts';

const HOUR = 3_600_000;
const THIRD = 'revision: 3\nflags: { third: { rollout: { percentage: 100 } } }';

/** What a hostile network answers, in place of the next revision. */
const attacks: [string, string, (server: FlagServer) => void][] = [
  [
    'with one byte changed',
    'SIGNATURE_INVALID',
    (server) => {
      const { statements = '' } = server;
      server.answer = body(flipped(server.snapshot, 8 * 60), { 'flcm-signature': statements });
    },
  ],
  ['in place of another one', 'SIGNATURE_INVALID', (server) => server.publish(AFTER.replace('100', '99'))],
  ['by another key', 'SIGNATURE_INVALID', (server) => publish(server, AFTER, {}, [stranger])],
  [
    'by another key under the id of ours',
    'SIGNATURE_INVALID',
    (server) => publish(server, AFTER, { keyId: ours.keyId }, [stranger]),
  ],
  ['for another audience', 'SIGNATURE_INVALID', (server) => publish(server, AFTER, { audience: 'test' })],
  [
    'with a later expiry than was signed',
    'SIGNATURE_INVALID',
    (server) => {
      const bytes = Buffer.from(server.statements ?? '', 'base64url');
      bytes.writeBigUInt64LE(BigInt(NOW + 9 * DAY), 77);
      server.statements = bytes.toString('base64url');
    },
  ],
  [
    'with garbage for a signature',
    'SIGNATURE_INVALID',
    (server) => {
      server.statements = 'garbage';
    },
  ],
  [
    'without a signature',
    'SIGNATURE_MISSING',
    (server) => {
      server.statements = undefined;
    },
  ],
  [
    'as a document',
    'SIGNATURE_MISSING',
    (server) => {
      server.answer = body(AFTER, { 'content-type': 'application/yaml' });
    },
  ],
];

describe('a snapshot', () => {
  test('that the pinned key has signed is used, and so is the next', async () => {
    const { server, at } = await signed();
    expect(at.isOn('old')).toBe(true);
    publish(server, AFTER);
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
    expect([at.codes, at.features.remote.state]).toEqual([[], 'fresh']);
  });

  test.each(attacks)('%s: %s, nothing is lost, and what follows is used', async (_, code, attack) => {
    const { server, at } = await signed();
    publish(server, AFTER);
    attack(server);
    await at.features.remote.sync();
    expect([at.codes, at.isOn('old'), at.isOn('new')]).toEqual([[code], true, false]);
    server.answer = undefined;
    publish(server, AFTER);
    await at.until(() => at.isOn('new'), 130_000);
    expect(at.codes).toEqual([code]);
  });

  test.each(attacks)('%s at the first request: %s, and nothing is decided', async (_, code, attack) => {
    const server = await served();
    publish(server, AFTER);
    attack(server);
    const at = await world({ url: server.url, ...PINNED });
    expect([at.codes, at.features.remote.state, at.features.snapshot]).toEqual([[code], 'offline', undefined]);
    server.answer = undefined;
    publish(server, AFTER);
    await at.until(() => at.isOn('new'), 2000);
  });

  test('that is older is never used, however long the network goes on with it', async () => {
    const { server, at } = await signed({ pollIntervalMs: 0 });
    publish(server, AFTER, { issued: NOW + 1 });
    await at.features.remote.sync();
    publish(server, BEFORE);
    for (let hours = 0; hours < 30; hours++) {
      await at.clock.pass(HOUR);
      await at.features.remote.sync();
    }
    expect(at.isOn('new')).toBe(true);
    // Time does not stand still here. A request or a stream that waits while an hour passes at once reports that.
    const codes = at.codes.filter((code) => code !== 'TIMEOUT' && code !== 'STREAM_FAILED');
    expect(new Set(codes)).toEqual(new Set(['OLDER_REVISION', 'SIGNATURE_EXPIRED']));
    expect(at.features.remote.state).toBe('stale');
  });

  test('of the same revision is used if it was signed later', async () => {
    const { server, at } = await signed();
    const other = BEFORE.replace('old:', 'new_too:');
    publish(server, other, { issued: NOW + 1 });
    await at.features.remote.sync();
    expect(at.isOn('new_too')).toBe(true);
    publish(server, BEFORE);
    await at.features.remote.sync();
    expect([at.codes, at.isOn('new_too')]).toEqual([['OLDER_REVISION'], true]);
  });

  test('of a higher epoch begins anew, and one of a lower epoch is refused', async () => {
    const server = await served();
    const runaway = { snapshot: revised(compiled(AFTER), 2n ** 53n), revision: 2 ** 53 };
    server.use(runaway.snapshot);
    server.statements = ours.state({ ...runaway, issued: NOW });
    const at = await world({ url: server.url, ...PINNED });
    expect(at.isOn('new')).toBe(true);
    publish(server, BEFORE, { epoch: 1 });
    await at.features.remote.sync();
    expect([at.codes, at.isOn('old')]).toEqual([[], true]);
    publish(server, THIRD, { epoch: 0 });
    await at.features.remote.sync();
    expect([at.codes, at.isOn('old')]).toEqual([['OLDER_REVISION'], true]);
  });

  test('of the program is trusted as the program is; what the source gives must be signed', async () => {
    const server = await served(AFTER);
    const at = await world({ url: server.url, ...PINNED, document: BEFORE });
    await at.features.remote.settled;
    expect([at.codes, at.isOn('old')]).toEqual([['SIGNATURE_MISSING'], true]);
    publish(server, AFTER);
    await at.until(() => at.isOn('new'), 130_000);
  });
});

describe('a signature that has expired', () => {
  test('leaves the flags in use, says so once, and ends with a new one of the same snapshot', async () => {
    const { server, at } = await signed({ pollIntervalMs: 0 });
    await at.clock.pass(DAY - 1000);
    await at.features.remote.sync();
    expect([at.codes, at.features.remote.state]).toEqual([[], 'fresh']);
    await at.clock.pass(1000);
    expect([at.codes, at.features.remote.state, at.isOn('old')]).toEqual([['SIGNATURE_EXPIRED'], 'stale', true]);
    await at.features.remote.sync();
    expect([at.codes, at.features.remote.state]).toEqual([['SIGNATURE_EXPIRED'], 'stale']);
    const { etag } = server;
    publish(server, BEFORE, { issued: NOW + DAY, expires: NOW + 2 * DAY });
    await at.features.remote.sync();
    expect(server.marks.at(-1)).toBe(etag);
    expect([at.codes, at.features.remote.state]).toEqual([['SIGNATURE_EXPIRED'], 'fresh']);
    await at.clock.pass(DAY);
    expect(at.codes).toEqual(['SIGNATURE_EXPIRED', 'SIGNATURE_EXPIRED']);
  });

  test('does not keep a newer revision away', async () => {
    const { server, at } = await signed();
    publish(server, AFTER, { expires: NOW - 1 });
    await at.features.remote.sync();
    expect([at.codes, at.features.remote.state, at.isOn('new')]).toEqual([['SIGNATURE_EXPIRED'], 'stale', true]);
  });

  test('of an older statement does not shorten that of a newer one', async () => {
    const { server, at } = await signed({ pollIntervalMs: 0 });
    publish(server, BEFORE, { expires: NOW + 1000 });
    await at.features.remote.sync();
    await at.clock.pass(HOUR);
    await at.features.remote.sync();
    expect([at.codes, at.features.remote.state]).toEqual([[], 'fresh']);
  });

  test('is noticed when the wall clock is set', async () => {
    const { at } = await signed();
    at.clock.jump(2 * DAY);
    await at.features.remote.sync();
    expect([at.codes, at.features.remote.state]).toEqual([['SIGNATURE_EXPIRED'], 'stale']);
    at.clock.jump(-2 * DAY);
    await at.features.remote.sync();
    expect(at.features.remote.state).toBe('fresh');
  });

  test('ends decisions where the host is strict, until there is a new one', async () => {
    const { server, at } = await signed({ strict: true });
    expect(at.isOn('old')).toBe(true);
    server.answer = status(500);
    await at.clock.pass(DAY);
    expect(at.codes).toContain('SIGNATURE_EXPIRED');
    expect(at.isOn('old')).toBe(false);
    expect(at.features.decision('old', 'alice').errorCode).toBe('PROVIDER_NOT_READY');
    server.answer = undefined;
    publish(server, BEFORE, { issued: NOW + DAY, expires: NOW + 3 * DAY });
    await at.features.remote.sync();
    expect(at.isOn('old')).toBe(true);
    expect(at.features.remote.state).toBe('fresh');
  });

  test('is refused where the host is strict', async () => {
    const { server, at } = await signed({ strict: true });
    publish(server, AFTER, { expires: NOW - 1 });
    await at.features.remote.sync();
    expect([at.codes, at.isOn('old'), at.isOn('new')]).toEqual([['SIGNATURE_EXPIRED'], true, false]);
  });
});

describe('while one key replaces the other', () => {
  test.each([
    ['only the old pin', [ours]],
    ['both pins', [ours, next]],
    ['only the new pin', [next]],
  ])('a host with %s takes what both have signed', async (_, pins) => {
    const server = await served();
    publish(server, BEFORE, {}, [ours, next]);
    const at = await world({ url: server.url, audience: 'prod', trust: pins.map(({ pin }) => pin) });
    expect([at.codes, at.isOn('old')]).toEqual([[], true]);
  });

  test('the old key is worth nothing once its pin is gone', async () => {
    const server = await served();
    publish(server, BEFORE, {}, [ours]);
    const at = await world({ url: server.url, audience: 'prod', trust: [next.pin] });
    expect([at.codes, at.features.snapshot]).toEqual([['SIGNATURE_INVALID'], undefined]);
  });
});

describe('a static snapshot with its signature beside', () => {
  const statementOf = (document: string, signer = ours): string =>
    `${signer.state({ snapshot: compiled(document), revision: revisionOf(document), expires: NOW + DAY })}\n`;

  test('is followed on a web server, which says what type it likes', async () => {
    const server = await served();
    const put = (document: string, statements: string) => {
      server.pages.set('/flags.signed', ['application/octet-stream', compiled(document)]);
      server.pages.set('/flags.signed.sig', ['text/plain', statements]);
    };
    put(BEFORE, statementOf(BEFORE));
    const at = await world({ documentUrl: `${server.url}/flags.signed?v=1`, ...PINNED });
    expect([at.codes, at.isOn('old')]).toEqual([[], true]);
    put(AFTER, statementOf(BEFORE));
    await at.features.remote.sync();
    expect([at.codes, at.isOn('old')]).toEqual([['SIGNATURE_INVALID'], true]);
    put(AFTER, statementOf(AFTER));
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
    server.pages.delete('/flags.signed.sig');
    await at.features.remote.sync();
    expect(at.codes).toEqual(['SIGNATURE_INVALID', 'HTTP_STATUS']);
  });

  test('is followed as a file', async () => {
    const file = join(folder(), 'flags.signed');
    const put = (document: string, signer = ours) => {
      writeFileSync(file, compiled(document));
      writeFileSync(`${file}.sig`, statementOf(document, signer));
    };
    put(BEFORE);
    const at = await world({ file, ...PINNED });
    expect([at.codes, at.isOn('old')]).toEqual([[], true]);
    put(AFTER, stranger);
    await at.features.remote.sync();
    expect([at.codes.includes('SIGNATURE_INVALID'), at.isOn('old')]).toEqual([true, true]);
    put(AFTER);
    await at.features.remote.sync();
    expect(at.isOn('new')).toBe(true);
  });
});

describe('the stream', () => {
  const RISKY =
    'revision: 1\nflags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, window: 300 } } }';

  /** A host whose own breaker has rolled the flag back. */
  async function rolledBack(options: WorldOptions): Promise<{ server: FlagServer; at: World }> {
    const server = await served();
    publish(server, RISKY);
    const at = await world({ url: server.url, stream: true, ...options });
    await until(() => server.streams.size === 1, 'a stream');
    server.trip({ risky: { trip: 'clear', generation: 2 } });
    await at.until(() => at.diary.of('fleet').length > 0);
    for (let user = 0; at.features.breaker.state('risky') === 'closed' && user < 5000; user++) {
      const context = at.features.for({ targetingKey: `user${user}` });
      context.record('risky', { failed: context.isEnabled('risky') });
      if (user % 50 === 0) await at.clock.pass(1000);
    }
    expect(at.features.breaker.state('risky')).toBe('open');
    const known = at.diary.of('fleet').length;
    server.trip({ risky: { trip: 'clear', generation: 3 } });
    await at.until(() => at.diary.of('fleet').length > known);
    return { server, at };
  }

  test('ends a trip of the host where nothing is signed', async () => {
    const { at } = await rolledBack({});
    expect(at.features.breaker.state('risky')).not.toBe('open');
  });

  test('may only hold a flag back where keys are pinned', async () => {
    const { server, at } = await rolledBack(PINNED);
    expect(at.features.breaker.state('risky')).toBe('open');
    server.trip({ risky: { trip: 'off', generation: 4 } });
    await at.until(() => at.features.explain('risky').trip === 'off');
  });
});

describe('options', () => {
  test.each([
    [{ trust: [], audience: 'prod' }, /`trust` must be one pin/],
    [{ audience: 'prod' }, /`trust` must be one pin/],
    [{ strict: true }, /`trust` must be one pin/],
    [{ trust: [ours.pin, next.pin, stranger.pin], audience: 'prod' }, /`trust` must be one pin/],
    [{ trust: [ours.pin] }, /needs an `audience`/],
    [{ trust: ['ed25519:short'], audience: 'prod' }, /`ed25519:short` is no pin/],
  ])('that cannot be meant fail at the start: %j', async (options, message) => {
    await expect(world({ document: BEFORE, ...options })).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message });
  });
});
