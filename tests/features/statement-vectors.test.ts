// `tests/vectors/host/statements.json` and `positions.json`, which Rust runs as well. The first one is written from
// kit/statement-cases.ts by `npx vitest run tests/features/statement-vectors.test.ts -u`.

import { readFileSync } from 'node:fs';
import { FeatureError, type FeaturesOptions } from '@flcm/features';
import { expect, test } from 'vitest';
import { mayFollow, Trust, type TrustingHost } from '../../.flcm-core/features/remote-config/trust.ts';
import { cases } from './kit/statement-cases.ts';

const FILE = '../vectors/host/statements.json';
const about =
  'Statements about snapshots, and whether a host takes them that has pinned keys. The keys are made from names.';

test('the file has the cases', async () => {
  await expect(`${JSON.stringify({ about, cases }, null, 2)}\n`).toMatchFileSnapshot(FILE);
});

const host = { FeatureError, sourceBy: () => undefined } as unknown as TrustingHost;
const open = (options: FeaturesOptions): Promise<Trust> => Trust.open(options, host);

test.each(cases)('$note', async ({ trust: pins, audience, snapshot, statements, takes, refuses }) => {
  const trust = await open({ trust: pins, audience });
  const judged = await trust.judge(statements ?? undefined, new TextEncoder().encode(snapshot));
  if (typeof judged === 'string') {
    expect(judged).toBe(refuses);
  } else {
    const { epoch, revision, issued, expires } = judged;
    expect({ epoch, revision: Number(revision), issued, expires }).toEqual(takes);
    expect(refuses).toBeUndefined();
  }
});

test('positions', () => {
  type Numbers = [epoch: number, revision: number, issued: number];
  interface Position {
    readonly note: string;
    readonly inUse: Numbers;
    readonly next: Numbers;
    readonly follows: boolean;
  }
  const file = new URL('../vectors/host/positions.json', import.meta.url);
  const position = ([epoch, revision, issued]: Numbers) => ({ epoch, revision: BigInt(revision), issued });
  for (const { note, inUse, next, follows } of JSON.parse(readFileSync(file, 'utf8')).cases as Position[]) {
    expect(mayFollow(position(next), position(inUse)), note).toBe(follows);
  }
});

test.each([
  [[], 'prod', /one pin, or two/],
  [Array(3).fill(cases[0]?.trust[0]), 'prod', /one pin, or two/],
  [cases[0]?.trust, '', /needs an `audience`/],
  [['ed25519:AAAA'], 'prod', /`ed25519:AAAA` is no pin/],
  [['rsa:AAAA'], 'prod', /is no pin/],
])('options that are wrong say which: %j %j', async (trust, audience, message) => {
  await expect(open({ trust: trust ?? [], audience })).rejects.toMatchObject({ code: 'INVALID_OPTIONS', message });
});
