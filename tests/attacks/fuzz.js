// Sends whatever comes to mind to each route of a real server, for a number of seconds: `node tests/attacks/fuzz.js
// SECONDS PROGRAM`. Fails if a response has the status 500, if the server panics, or if it ends. Loopback only.

import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [seconds = '10', program = 'target/debug/flcm', seed = String(Date.now() % 1e9)] = process.argv.slice(2);
const CONNECTIONS = 8;
/** A response that does not come within so long is given up: streams have no end. */
const PATIENCE_MS = 500;

/** Numbers from 0 to 1 that follow from the seed (mulberry32). */
let state = Number(seed);
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
const one = (list) => list[Math.floor(random() * list.length)];
const bytes = (most) =>
  Buffer.from(Array.from({ length: Math.floor(random() * most) }, () => Math.floor(random() * 256)));

const folder = mkdtempSync(join(tmpdir(), 'flcm-fuzz-'));
writeFileSync(
  join(folder, 'flags.yaml'),
  'flags: { shiny: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } }, plain: { rollout: { percentage: 5 } } }',
);
const [key, line] = execFileSync(program, ['key', 'fuzz', '--role', 'admin'], { encoding: 'utf8' }).split('\n');
writeFileSync(join(folder, 'keys.json'), `[${line}]`);
const keys = ['--keys', join(folder, 'keys.json')];
const server = spawn(
  program,
  ['serve', join(folder, 'flags.yaml'), '--listen', '127.0.0.1:0', '--edits', 'database', ...keys],
  {
    stdio: ['ignore', 'ignore', 'pipe'],
  },
);
const problems = [];
let isEnding = false;
server.on('exit', (code, signal) => {
  if (!isEnding) problems.push(`the server ended: ${code ?? signal}`);
});
const port = await new Promise((found) => {
  createInterface({ input: server.stderr }).on('line', (line) => {
    const [, number] = /listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
    if (number !== undefined) found(Number(number));
    if (/panicked/.test(line)) problems.push(line);
  });
});

const { paths } = JSON.parse(execFileSync(program, ['openapi'], { encoding: 'utf8', maxBuffer: 1 << 24 }));
const ROUTES = [...Object.keys(paths), '/', '/nowhere', '/flags/../flags', '//'];
const TEXTS = ['shiny', 'plain', '', '0', '1', '-1', '18446744073709551616', '%00', '%ff', '..', 'ä', 'a'.repeat(5000)];
const COUNTS = 'application/vnd.flcm.counts+json';
const TYPES = ['application/json', 'application/yaml', 'application/vnd.flcm.batch', COUNTS, 'text/plain', '', 'ä/ö'];
const JSONS = [
  '{}',
  'null',
  '[]',
  '{"reason": 1}',
  '{"context": {"targetingKey": 7}}',
  '{"context": {"a": [[]]}}',
  '{"reason": "',
];
const DOCUMENTS = [
  'flags: {}',
  'flags: { shiny: {} }',
  '',
  'flags: [',
  '- &a [*a]',
  'flags: { a: { rollout: { percentage: 1e999 } } }',
];
const QUERIES = ['reason', 'dry_run', 'to', 'allow_removal', 'x'];
const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH', 'FUZZ'];
const HEADERS = [
  'accept',
  'accept-encoding',
  'if-match',
  'if-none-match',
  'flcm-revision',
  'origin',
  'range',
  'expect',
  'via',
];

/** Numbers of rows, as they are and as they are not. */
const NUMBERS = [0, 1, 2, 458752, 252051455, 4294967295, 4294967296, -1, 0.5, 1e300, null, true, '1', [], {}];

/** Counts of a page, of which something is often wrong. */
function counts() {
  const row = () => [one(NUMBERS), one(TEXTS), ...Array.from({ length: Math.floor(random() * 6) }, () => one(NUMBERS))];
  const good = () => [
    one([1, 4294967295]),
    one(TEXTS),
    one([458752, 252051455]),
    1,
    random() < 0.5,
    one([0, 5, 1e300]),
  ];
  const head = { instance: Math.floor(random() * 5), epoch: 1, sequence: 1 + Math.floor(random() * 3) };
  const rows = Array.from({ length: Math.floor(random() * 30) }, () => (random() < 0.95 ? good() : row()));
  const sent = { ...head, snapshot: '0123456789abcdef', rows };
  if (random() < 0.2) sent[one(Object.keys(sent))] = one(NUMBERS);
  const text = JSON.stringify(sent);
  return Buffer.from(random() < 0.1 ? text.slice(0, Math.floor(random() * text.length)) : text);
}

function body() {
  const kind = random();
  if (kind < 0.1) return counts();
  if (kind < 0.3) return Buffer.from(one(JSONS));
  if (kind < 0.6) return Buffer.from(one(DOCUMENTS));
  if (kind < 0.7) return Buffer.concat([Buffer.from('FLCMBATC\x02\x00'), bytes(400)]);
  if (kind < 0.98) return bytes(300);
  return Buffer.alloc(1 << 20, 'a');
}

function request() {
  const route = one(ROUTES);
  const path = route.replaceAll(/\{[^}]*\}/g, () => encodeURI(one(TEXTS)).replaceAll('%25', '%'));
  const query = random() < 0.3 ? `?${one(QUERIES)}=${encodeURI(one(TEXTS))}` : '';
  const known = Object.keys(paths[route] ?? {}).map((name) => name.toUpperCase());
  const method = one(random() < 0.7 && known.length > 0 ? known : METHODS);
  const content = body();
  const lines = [`${method} ${path}${query} HTTP/1.1`];
  if (random() < 0.97) lines.push(`host: 127.0.0.1:${port}`);
  if (random() < 0.9) lines.push(`authorization: Bearer ${random() < 0.95 ? key : one(TEXTS)}`);
  if (random() < 0.9) lines.push(`content-type: ${content.includes('"rows"') ? COUNTS : one(TYPES)}`);
  if (random() < 0.5) lines.push(`${one(HEADERS)}: ${one([...TEXTS, '*', '"0"', 'application/yaml', 'gzip;q=9'])}`);
  if (random() < 0.5) lines.push('if-match: *');
  // Sometimes more is announced than comes, or less.
  const length = random() < 0.9 ? content.length : Math.floor(random() * 1000);
  lines.push(random() < 0.95 ? `content-length: ${length}` : 'transfer-encoding: chunked');
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), content]);
}

const statuses = new Map();

/** Sends one request on a connection of its own; sometimes only a part of it. */
function send() {
  return new Promise((done) => {
    const sent = request();
    const socket = connect(port, '127.0.0.1');
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    let answer = '';
    socket.on('connect', () => {
      if (random() < 0.95) socket.write(sent);
      else socket.end(sent.subarray(0, Math.floor(random() * sent.length)));
    });
    socket.on('data', (part) => {
      if (answer.length < 64) answer += part.toString('latin1');
      if (/\r\n\r\n/.test(answer) || answer.length >= 64) socket.end();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(timer);
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1] ?? 'none';
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === '500') problems.push(`500 for ${JSON.stringify(sent.subarray(0, 300).toString('latin1'))}`);
      done();
    });
  });
}

const end = Date.now() + Number(seconds) * 1000;
const worker = async () => {
  while (Date.now() < end && problems.length === 0) await send();
};
await Promise.all(Array.from({ length: CONNECTIONS }, worker));
const health = await fetch(`http://127.0.0.1:${port}/healthz`).catch((error) => error);
if (health.status !== 200) problems.push(`/healthz: ${health.status ?? health}`);
isEnding = true;
server.kill('SIGKILL');
rmSync(folder, { recursive: true, force: true });
const total = [...statuses.values()].reduce((sum, count) => sum + count, 0);
console.log(
  `seed ${seed}: ${total} requests in ${seconds} s; ${[...statuses]
    .sort()
    .map((pair) => pair.join(': '))
    .join(', ')}`,
);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
