// The cases of tests/vectors/host/statements.json, with keys that are made from a name.

import { Signer } from '../../kit/signing.ts';

/** Statements that come with a snapshot, and what becomes of it. */
export interface StatementCase {
  readonly note: string;
  readonly trust: readonly string[];
  readonly audience: string;
  /** UTF-8. */
  readonly snapshot: string;
  /** `null` when there is none. */
  readonly statements: string | null;
  /** What the statement says that counts. */
  readonly takes?: { epoch: number; revision: number; issued: number; expires: number };
  /** Why the snapshot is not taken. */
  readonly refuses?: string;
}

const [ours, next, stranger] = ['ours', 'next', 'stranger'].map((name) => new Signer(name)) as [Signer, Signer, Signer];

const snapshot = 'The bytes of a snapshot: they are not loaded here.';
const usual = { snapshot, epoch: 3, revision: 7, issued: 1_796_000_000_000, expires: 1_799_000_000_000 };
const good = ours.state(usual);
const taken = { epoch: 3, revision: 7, issued: 1_796_000_000_000, expires: 1_799_000_000_000 };

/** A text with another character in place of one. */
function changed(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'A' ? 'B' : 'A') + text.slice(at + 1);
}

type Given = Partial<StatementCase> & { readonly note: string };

const takes = (given: Given): StatementCase => ({ ...common, takes: taken, ...given });
const refuses = (why: string, given: Given): StatementCase => ({ ...common, ...given, refuses: why });
const common = { trust: [ours.pin], audience: 'prod', snapshot, statements: good };

const largest = { epoch: 2 ** 32 - 1, revision: 2 ** 53, issued: 2 ** 53, expires: 2 ** 53 };
const nothing = { epoch: 0, revision: 0, issued: 0, expires: 0 };
const later = { ...taken, expires: taken.expires + 1 };
const both = [ours.pin, next.pin];

export const cases: readonly StatementCase[] = [
  takes({ note: 'a statement of the pinned key' }),
  takes({ note: 'an empty snapshot', snapshot: '', statements: ours.state({ ...usual, snapshot: '' }) }),
  takes({ note: 'the largest numbers', statements: ours.state({ ...usual, ...largest }), takes: largest }),
  takes({ note: 'the smallest numbers', statements: ours.state({ ...usual, ...nothing }), takes: nothing }),
  takes({
    note: 'an audience with other letters',
    audience: 'größe',
    statements: ours.state({ ...usual, audience: 'größe' }),
  }),
  takes({ note: 'spaces around it', statements: `  ${good}\t` }),
  takes({ note: 'either of two pins', trust: both, statements: next.state(usual) }),
  takes({ note: 'the pinned key second', statements: `${stranger.state(usual)}, ${good}` }),
  takes({ note: 'the pinned key first', statements: `${good},${stranger.state(usual)}` }),
  takes({ note: 'something unreadable beside it', statements: `of-a-later-version, ${good}` }),
  takes({ note: 'a damaged one beside it', statements: `${changed(good, 280)}, ${good}` }),
  takes({
    note: 'one for another audience beside it',
    statements: `${ours.state({ ...usual, audience: 'test' })}, ${good}`,
  }),
  takes({ note: 'empty parts of the list', statements: `,${good},` }),
  takes({
    note: 'two that hold: the one that expires last',
    trust: both,
    statements: `${good}, ${next.state({ ...usual, ...later })}`,
    takes: later,
  }),
  takes({
    note: 'two that hold, in the other order',
    trust: both,
    statements: `${next.state({ ...usual, ...later })}, ${good}`,
    takes: later,
  }),
  takes({
    note: 'two that hold and expire together: the first',
    trust: both,
    statements: `${good}, ${next.state({ ...usual, revision: 8 })}`,
  }),
  refuses('missing', { note: 'no statement', statements: null }),
  refuses('missing', { note: 'an empty header', statements: '' }),
  refuses('missing', { note: 'commas alone', statements: ' , ' }),
  refuses('malformed', { note: 'no base64url', statements: '?' }),
  refuses('malformed', { note: 'padding', statements: `${good}=` }),
  refuses('malformed', { note: 'a space within', statements: `${good.slice(0, 100)} ${good.slice(100)}` }),
  refuses('malformed', {
    note: 'unused bits that are not zero',
    statements: good.slice(0, -1) + String.fromCharCode(good.charCodeAt(good.length - 1) + 1),
  }),
  refuses('malformed', {
    note: 'a byte too few',
    statements: Buffer.from(good, 'base64url').subarray(0, -1).toString('base64url'),
  }),
  refuses('malformed', {
    note: 'a byte too many',
    statements: Buffer.concat([Buffer.from(good, 'base64url'), Buffer.of(0)]).toString('base64url'),
  }),
  refuses('malformed', { note: 'another domain', statements: ours.state({ ...usual, domain: 'flcm-snapshot-v2\0' }) }),
  refuses('malformed', {
    note: 'a time that is not exact in JavaScript',
    statements: ours.state({ ...usual, expires: 2 ** 53 + 2 }),
  }),
  refuses('malformed', { note: 'five statements, although one holds', statements: Array(5).fill(good).join(', ') }),
  refuses('unknown key', { note: 'another key', statements: stranger.state(usual) }),
  refuses('unknown key', { note: 'the old key after its pin is gone', trust: [next.pin], statements: good }),
  refuses('unknown key', {
    note: 'the id of another key, signed by ours',
    statements: ours.state({ ...usual, keyId: stranger.keyId }),
  }),
  refuses('bad signature', {
    note: 'another key under the id of ours',
    statements: stranger.state({ ...usual, keyId: ours.keyId }),
  }),
  refuses('bad signature', { note: 'a changed signature', statements: changed(good, 240) }),
  refuses('bad signature', { note: 'a changed expiry', statements: changed(good, 100) }),
  refuses('other audience', { note: 'another audience', statements: ours.state({ ...usual, audience: 'test' }) }),
  refuses('other bytes', { note: 'a changed byte', snapshot: snapshot.replace('T', 't') }),
  refuses('other bytes', { note: 'a byte more', snapshot: `${snapshot}.` }),
  refuses('other bytes', { note: 'another length', statements: ours.state({ ...usual, length: 1 }) }),
  refuses('other bytes', {
    note: 'of several the one that came furthest says why',
    statements: `?, ${ours.state({ ...usual, length: 1 })}, ${stranger.state(usual)}`,
  }),
];
