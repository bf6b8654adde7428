// Sign-ins of the development server: the key `flcm_ROLE` has that role.

import { randomBytes } from 'node:crypto';
import { Problem } from './problem.js';

const ROLES = ['viewer', 'operator', 'publisher', 'admin'];
const NAMES = { viewer: 'vera', operator: 'olaf', publisher: 'anna', admin: 'ada' };
const TWELVE_HOURS_MS = 43_200_000;

const unauthorized = () => new Problem(401, 'UNAUTHORIZED', 'Not signed in', 'this needs a key', 'sign in');

/**
 * Who has signed in.
 *
 * @param {boolean} keyless Whether everyone is an admin.
 */
export function sessionsOf(keyless) {
  const sessions = new Map();
  const of = (name, role) => ({ name, role, expires: Date.now() + TWELVE_HOURS_MS, keyless });

  /** Who asks; nobody is a problem. */
  function expect(request) {
    if (keyless) return of('local', 'admin');
    const found = sessions.get(/(?:^|; )flcm=([a-f0-9]+)/.exec(request.headers.cookie ?? '')?.[1]);
    if (!found) throw unauthorized();
    return found;
  }

  function signIn(key, response) {
    const role = ROLES.find((role) => key === `flcm_${role}`);
    if (!role)
      throw new Problem(
        401,
        'UNAUTHORIZED',
        'Unknown key',
        'no key like this is known',
        'ask an administrator for a key',
      );
    const id = randomBytes(32).toString('hex');
    sessions.set(id, of(NAMES[role], role));
    response.setHeader('set-cookie', `flcm=${id}; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200`);
  }

  return {
    expect,
    /** Who asks, if their role is at least this one. */
    expectRole(request, role) {
      const who = expect(request);
      if (ROLES.indexOf(who.role) < ROLES.indexOf(role))
        throw new Problem(403, 'FORBIDDEN', 'Not allowed', `this needs the role ${role}`, 'ask an administrator');
      return who;
    },
    /** Answers `/session`. */
    answer(request, response, body) {
      if (request.method === 'GET') return expect(request);
      if (request.method === 'POST') return signIn(JSON.parse(body).key, response);
      sessions.clear();
      response.setHeader('set-cookie', 'flcm=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0');
      return undefined;
    },
    clear: () => sessions.clear(),
  };
}
