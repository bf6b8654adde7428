// A server with the routes that the dashboard asks, over made-up flags: `node dashboard/dev/server.js [FLAGS] [PORT]`.
// It exists because a real server cannot be put into each state at will. `startDev` is what tests use.

import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import * as answers from './answers.js';
import { compare } from './compare.js';
import { documentOf, makeFlags } from './flags.js';
import { dist, page } from './pages.js';
import { past } from './past.js';
import { Problem } from './problem.js';
import { sessionsOf } from './sessions.js';

export { POLICY } from './pages.js';

/**
 * Starts it.
 *
 * @param {{ flags?: number, port?: number, keyless?: boolean, mode?: string, root?: string }} options
 */
export async function startDev({ flags: count = 16, port = 0, keyless = false, mode = 'file', root = dist } = {}) {
  const now = Date.now();
  const state = {
    revision: 28_831_204,
    digest: 'f7d030bf5159d633',
    sequence: 991,
    flags: makeFlags(count, now),
    stored: true,
  };
  const texts = new Map();
  const text = documentOf(state.flags, now);
  texts.set(state.revision - 1, text.replace('percentage: 8 ', 'percentage: 5 '));
  texts.set(state.revision, text);
  const { revisions, audit } = past(state, now);
  const sessions = sessionsOf(keyless);
  const streams = new Set();
  const log = [];
  const find = (key) => {
    const flag = state.flags.find((flag) => flag.key === key);
    if (!flag)
      throw new Problem(
        404,
        'FLAG_NOT_FOUND',
        'No such flag',
        `there is no flag \`${key}\``,
        'see GET /overview for all of them',
      );
    return flag;
  };
  const send = (event, data, id) => {
    for (const stream of streams)
      stream.write(`event: ${event}\n${id ? `id: ${id}\n` : ''}data: ${JSON.stringify(data)}\n\n`);
  };
  const pushLive = (flags) => {
    state.sequence += 1;
    send('live', {
      sequence: state.sequence,
      flags: Object.fromEntries(
        flags.map((flag) => [flag.key, answers.live(flag, Date.now())]).filter(([, entry]) => entry),
      ),
    });
  };
  const record = (actor, action, flag, reason, detail = {}, revision = null) => {
    audit.unshift({
      id: audit.length + 1,
      at: Date.now(),
      actor,
      address: '127.0.0.1',
      action,
      flag,
      revision,
      reason,
      detail,
      previous: '',
      hash: '',
    });
    return audit[0];
  };

  function command(flag, name, { reason = '', generation = null }, actor) {
    if (name === 'acknowledge') {
      if (flag.next !== 'acknowledge')
        throw new Problem(
          409,
          'NOT_ROLLED_BACK',
          'Nothing to acknowledge',
          `\`${flag.key}\` is not rolled back`,
          'look at its status first',
        );
      if (generation !== null && generation !== flag.generation)
        throw new Problem(
          409,
          'ANOTHER_GENERATION',
          'Another rollback',
          `\`${flag.key}\` was rolled back again since: generation ${flag.generation}`,
          'look at the newest rollback, and acknowledge that one',
        );
    }
    const changes = {
      hold: { mode: 'held', trip: 'off', served: 0, next: 'release', by: actor },
      release: { mode: 'auto', trip: 'clear', state: 'closed', served: flag.percentage, next: 'nothing', by: null },
      acknowledge: {
        trip: 'clear',
        state: 'closed',
        served: flag.percentage,
        next: 'nothing',
        cause: null,
        evidence: 0,
      },
      observe: { mode: 'observe', trip: 'clear', served: flag.percentage },
      force: { mode: 'forced_closed', trip: 'clear', served: flag.percentage },
    }[name];
    Object.assign(flag, changes, { since: Date.now(), generation: flag.generation + 1 });
    record(actor, name, flag.key, reason);
    const kind = name === 'acknowledge' ? 'acknowledged' : 'mode_changed';
    const event = answers.breakerEvent(flag, kind, actor, Date.now());
    const row = record(actor, kind, flag.key, reason, event);
    send('breaker', event, row.id);
    pushLive([flag]);
    return { event };
  }

  async function publish(text, headers, actor, reason) {
    if (mode === 'none')
      throw new Problem(
        403,
        'MANAGED',
        'Managed elsewhere',
        'edits over HTTP are refused: `--edits none`',
        'edit the file where it is managed',
      );
    const expected = headers['if-match']?.replaceAll('"', '');
    if (!expected) {
      throw new Problem(
        428,
        'PRECONDITION_REQUIRED',
        'A condition is missing',
        'the header `If-Match` is missing',
        'send it',
      );
    }
    if (expected !== state.digest)
      throw new Problem(
        412,
        'CHANGED_MEANWHILE',
        'Changed meanwhile',
        'somebody has published since',
        'fetch the newest revision, and apply the edit to it',
      );
    const before = texts.get(state.revision);
    state.revision += 1;
    state.digest = createHash('sha256').update(text).digest('hex').slice(0, 16);
    texts.set(state.revision, text);
    for (const flag of state.flags) {
      const at = text.indexOf(`\n  ${flag.key}:\n`);
      const found = at >= 0 && /percentage: ([0-9.]+)/.exec(text.slice(at));
      if (found && Number(found[1]) !== flag.percentage) {
        flag.percentage = Number(found[1]);
        if (flag.trip === 'clear') flag.served = flag.percentage;
        flag.changedAt = Date.now();
        flag.scheduled = /^ {6}schedule:/m.test(text.slice(at, at + 400));
      }
    }
    revisions.unshift({
      number: state.revision,
      at: Date.now(),
      author: actor,
      reason,
      origin: 'put',
      digest: state.digest,
    });
    const row = record(actor, 'publish', null, reason, {}, state.revision);
    send('revision', { revision: state.revision, digest: state.digest, author: actor, reason, flags: [] }, row.id);
    return {
      revision: state.revision,
      digest: state.digest,
      published: true,
      removed: [],
      warnings: [],
      difference: await compare(before, text),
    };
  }

  const limit = (rows, query) => rows.slice(0, Number(query.get('limit') ?? 100));
  const routes = [
    [
      'GET',
      /^\/meta$/,
      'viewer',
      () => ({
        version: '0.1.0',
        contract: '',
        document: { name: 'shop.yaml', mode, editUrl: null, uncommitted: false },
        limits: { flags: 100_000 },
        retention: { fine: 21_600, day: 691_200, year: 34_560_000 },
        stored: state.stored,
      }),
    ],
    ['GET', /^\/overview$/, 'viewer', () => answers.overview(state)],
    ['GET', /^\/overview\/live$/, 'viewer', () => answers.liveAll(state)],
    ['GET', /^\/hosts$/, 'viewer', () => answers.hosts(state)],
    [
      'GET',
      /^\/keys$/,
      'admin',
      () =>
        ROLES.map((role, at) => ({
          name: NAMES[role],
          role,
          limit: null,
          lastUsed: Date.now() - at * 3_600_000,
          requests: 120 * (at + 1),
        })),
    ],
    [
      'GET',
      /^\/revisions$/,
      'viewer',
      (_, query) =>
        limit(
          revisions.filter(({ number }) => number < Number(query.get('before') ?? Number.MAX_SAFE_INTEGER)),
          query,
        ),
    ],
    ['GET', /^\/revisions\/(\d+)$/, 'viewer', ([number]) => texts.get(Number(number)) ?? find(`revision ${number}`)],
    [
      'GET',
      /^\/revisions\/(\d+)\/diff$/,
      'viewer',
      ([number], query) => compare(texts.get(Number(number)), texts.get(Number(query.get('to') ?? state.revision))),
    ],
    [
      'POST',
      /^\/revisions\/(\d+)\/revert$/,
      'publisher',
      ([number], _, { actor, body, headers }) =>
        publish(texts.get(Number(number)), headers, actor, JSON.parse(body || '{}').reason ?? ''),
    ],
    [
      'GET',
      /^\/audit$/,
      'viewer',
      (_, query) => {
        const actions = query.getAll('action');
        const text = query.get('text')?.toLowerCase();
        return limit(
          audit.filter(
            (row) =>
              (!query.has('flag') || row.flag === query.get('flag')) &&
              (!query.has('actor') || row.actor === query.get('actor')) &&
              (actions.length === 0 || actions.includes(row.action)) &&
              (!text || `${row.reason}${JSON.stringify(row.detail)}`.toLowerCase().includes(text)) &&
              row.id < Number(query.get('before') ?? Infinity),
          ),
          query,
        );
      },
    ],
    [
      'GET',
      /^\/flags\/([^/]+)\/series$/,
      'viewer',
      ([key], query) => {
        const to = Number(query.get('to') ?? Date.now());
        return answers.series(
          find(key),
          Number(query.get('from') ?? to - 1_800_000),
          to,
          Number(query.get('points') ?? 300),
        );
      },
    ],
    [
      'GET',
      /^\/flags\/([^/]+)\/users$/,
      'viewer',
      ([key]) => {
        const { users, variants } = find(key);
        const of = (count) => ({ users: [count], total: count });
        return {
          days: [new Date().toISOString().slice(0, 10)],
          ...of(users),
          arms: { treatment: of(users), control: of(0), outside: of(0) },
          variants: Object.fromEntries(variants.map((name) => [name, of(Math.round(users / variants.length))])),
          error: 0.023,
        };
      },
    ],
    ['GET', /^\/flags\/([^/]+)\/incidents$/, 'viewer', ([key]) => answers.incidents(find(key))],
    ['GET', /^\/flags\/([^/]+)\/hosts$/, 'viewer', ([key]) => answers.flagHosts(find(key))],
    [
      'POST',
      /^\/flags\/([^/]+)\/(hold|release|acknowledge|observe|force)$/,
      'operator',
      ([key, name], _, { actor, body }) => command(find(key), name, JSON.parse(body || '{}'), actor),
    ],
    [
      'PUT',
      /^\/flags$/,
      'publisher',
      (_, query, { actor, body, headers }) => publish(body, headers, actor, query.get('reason') ?? ''),
    ],
  ];

  function events(request, response) {
    sessions.expect(request);
    if (state.refusesStreams)
      throw new Problem(503, 'OVERLOADED', 'Too many streams', 'no more streams', 'try again later');
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(
      `: hello\n\nevent: hosts\ndata: ${JSON.stringify({ total: 14, inStep: 13, revision: state.revision })}\n\n`,
    );
    streams.add(response);
    response.on('close', () => streams.delete(response));
  }

  const readBody = async (request) => Buffer.concat(await request.toArray()).toString();

  async function answer(request, response) {
    const url = new URL(request.url, 'http://localhost');
    log.push(`${request.method} ${request.url}`);
    if (url.pathname === '/') return response.writeHead(302, { location: '/ui/' }).end();
    if (url.pathname.startsWith('/ui/')) return page(root, url.pathname, response);
    if (url.pathname === '/events') return events(request, response);
    const body = await readBody(request);
    let result;
    if (url.pathname === '/session') result = sessions.answer(request, response, body);
    else {
      const route = routes.find(([method, path]) => method === request.method && path.test(url.pathname));
      if (!route) throw new Problem(404, 'NOT_FOUND', 'Not found', `there is no ${url.pathname}`, 'see /openapi.json');
      const who = sessions.expectRole(request, route[2]);
      const values = route[1].exec(url.pathname).slice(1).map(decodeURIComponent);
      result = await route[3](values, url.searchParams, { actor: who.name, body, headers: request.headers });
    }
    if (result === undefined) return response.writeHead(204).end();
    const text = typeof result === 'string' ? result : JSON.stringify(result);
    const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
    if (request.method === 'GET' && request.headers['if-none-match'] === etag) return response.writeHead(304).end();
    response.writeHead(200, {
      'content-type': typeof result === 'string' ? 'application/yaml' : 'application/json',
      'content-encoding': 'gzip',
      etag,
    });
    return response.end(gzipSync(text, { level: 1 }));
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      const status = error.body ? error.status : 500;
      response.writeHead(status, { 'content-type': 'application/problem+json' });
      response.end(
        JSON.stringify(
          error.body ?? {
            title: 'Fault of the development server',
            status,
            detail: String(error.stack),
            code: 'FAULT',
            help: '',
          },
        ),
      );
    });
  });
  const clock = setInterval(() => {
    const busy = state.flags.filter((flag) => flag.asked).slice(0, 8);
    for (const flag of busy)
      if (flag.served > 1 && flag.served < 100)
        flag.served = Math.round((flag.served + (Math.random() - 0.5) * 0.04) * 100) / 100;
    pushLive(busy);
  }, 1000);
  await new Promise((resolve, reject) => server.listen(port, '127.0.0.1', resolve).on('error', reject));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    state,
    log,
    find,
    /** Changes a flag, and pushes it. */
    change(key, changes) {
      Object.assign(find(key), changes);
      pushLive([find(key)]);
    },
    publish: (text, actor = 'jo', reason = 'Elsewhere') => publish(text, { 'if-match': state.digest }, actor, reason),
    text: () => texts.get(state.revision),
    streams: () => streams.size,
    refuseStreams: (on) => {
      state.refusesStreams = on;
    },
    forget: () => sessions.clear(),
    /** Cuts all streams. */
    cut: () => {
      for (const stream of streams) stream.destroy();
    },
    close: () => {
      clearInterval(clock);
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startDev({ flags: Number(process.argv[2] ?? 16), port: Number(process.argv[3] ?? 8788) });
  console.log(`${url}/ui/ with the keys ${ROLES.map((role) => `flcm_${role}`).join(', ')}`);
}
