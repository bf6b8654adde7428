import { expect, test } from 'vitest';
import { attacked } from './kit/attacker.ts';

/** What only people may ask. */
const ROUTES: [method: string, path: string, body?: string][] = [
  ['GET', '/session'],
  ['DELETE', '/session'],
  ['GET', '/meta'],
  ['GET', '/keys'],
  ['GET', '/overview'],
  ['GET', '/overview/live'],
  ['GET', '/events'],
  ['GET', '/hosts'],
  ['GET', '/flags/plain/hosts'],
  ['GET', '/flags/plain/series'],
  ['GET', '/flags/plain/users'],
  ['GET', '/flags/plain/incidents'],
  ['GET', '/audit?flag=plain'],
  ['GET', '/revisions?flag=plain'],
];

test('a stranger with the public key of a page gets nothing that people see', async () => {
  const cast = await attacked('flags: { plain: { rollout: { percentage: 50 } } }');
  const stranger = cast.stranger();
  for (const [method, path, body] of ROUTES) {
    const { status } = await stranger.ask(method, path, body, { 'content-type': 'application/json' });
    expect([path, status]).toEqual([path, 403]);
  }
  const json = { 'content-type': 'application/json' };
  const { status, body } = await stranger.ask('POST', '/session', JSON.stringify({ key: cast.pageKey }), json);
  expect([status, JSON.parse(body).code]).toEqual([403, 'FORBIDDEN']);
});

test('a stranger who guesses keys is stopped, and nobody else is', async () => {
  const cast = await attacked('flags: { plain: { rollout: { percentage: 50 } } }');
  const json = { 'content-type': 'application/json' };
  const signIn = (address: string, key: string) =>
    cast.stranger(address).ask('POST', '/session', JSON.stringify({ key }), json);
  const statuses = new Set<number>();
  for (let guess = 0; guess < 25; guess++) statuses.add((await signIn('127.1.0.1', `flcm_admin_${guess}`)).status);
  expect([...statuses].sort()).toEqual([401, 429]);
  expect((await signIn('127.2.0.1', cast.adminKey)).status).toBe(204);
  expect((await cast.operator.ask('GET', '/keys')).status).toBe(200);
});
