// The engine of the dashboard and the command line answer alike, byte for byte: differences, explanations, simulations;
// over the vectors, and over random documents.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { createCompiler } from '@flcm/flags-web/compile';
import { afterAll, beforeAll, describe, test } from 'vitest';

const root = new URL('../..', import.meta.url).pathname;
const programs = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug');
const folder = mkdtempSync(join(tmpdir(), 'flcm-numbers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const NOW = 1_800_000_000_000;
const DOCUMENTS = 500;

const compiler = await createCompiler(readFileSync(join(root, 'pkg/web/dist/compile.wasm')));

const run = promisify(execFile);
const flcm = async (cwd, ...args) =>
  (await run(join(programs, 'flcm'), args, { cwd, maxBuffer: 1 << 26 })).stdout.trimEnd();

const textOf = (document) =>
  Array.isArray(document) ? document.join('\n') : typeof document === 'string' ? document : JSON.stringify(document);

let folders = 0;
function write(files) {
  const made = join(folder, String(folders++));
  mkdirSync(made);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(made, name), text);
  return made;
}

/** Two at a time: starting programs is most of it. */
async function each(list, question) {
  const open = list.entries();
  const work = async () => {
    for (const [index, item] of open) await question(item, index);
  };
  await Promise.all([work(), work()]);
}

/** The difference of the command line, and the one of the engine. */
async function sameDifference(old, draft, now, what) {
  const made = write({ base: old, draft });
  const printed = await flcm(made, 'diff', '--json', '--now', String(now), 'base', 'draft');
  const workbench = compiler.workbench(old);
  workbench.draft(draft);
  const difference = workbench.diff(now);
  workbench.free();
  assert.equal(JSON.stringify(difference), printed, what);
  return difference;
}

/** Every flag is explained alike to each of these users. */
async function sameExplanations(text, contexts, now, what) {
  const lines = contexts.map((context) => JSON.stringify(context)).join('\n');
  const made = write({ base: text, users: `${lines}\n` });
  const args = ['decide', 'base', '--contexts', 'users', '--json', '--explain', '--now', String(now)];
  const printed = (await flcm(made, ...args)).split('\n');
  const { snapshot } = compiler.compile(text);
  let line = 0;
  for (const context of contexts) {
    const { targetingKey, ...attributes } = context;
    for (; line < printed.length; line++) {
      const { flag, user } = JSON.parse(printed[line]);
      if (user !== (targetingKey ?? null)) break;
      const { explanation } = compiler.explain({ snapshot, flag, targetingKey, attributes, now });
      // JavaScript writes some numbers in another way, such as the negative zero.
      const expected = JSON.stringify(JSON.parse(printed[line]));
      assert.equal(JSON.stringify(explanation), expected, `${what}: ${flag} for ${user}`);
    }
  }
  assert.equal(line, printed.length, what);
  return line;
}

/** The vectors of a kind, by name. */
function vectors(kind) {
  const all = join(root, 'tests/vectors', kind);
  const names = readdirSync(all).filter((name) => name.endsWith('.json'));
  return names.map((name) => [name, JSON.parse(readFileSync(join(all, name), 'utf8'))]);
}

describe('vectors', () => {
  test('of differences', async () => {
    for (const [name, { cases }] of vectors('diff')) {
      await each(cases, async ({ note, old, new: draft, now = 0, flags }) => {
        const difference = await sameDifference(textOf(old), textOf(draft), now, `${name}: ${note}`);
        assert.deepEqual(difference.flags, flags, `${name}: ${note}`);
      });
    }
  });

  test('of decisions, explained', async () => {
    await each(vectors('evaluate'), async ([name, { document, cases }]) => {
      // A user of two cases would have the lines of both.
      const contexts = cases.filter(({ trips }) => !trips).map(({ context = {} }) => context);
      const users = new Map(contexts.map((context) => [context.targetingKey, context]));
      if (users.size > 0) await sameExplanations(textOf(document), [...users.values()], NOW, name);
    });
  });
});

describe(`${DOCUMENTS} random documents`, () => {
  let documents;

  beforeAll(async () => {
    const out = join(folder, 'cases.jsonl');
    await run(join(programs, 'conformance'), ['parity-cases', '--out', out, '--decisions', '170000', '--seed', '77']);
    documents = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .slice(0, DOCUMENTS)
      .map((line) => JSON.parse(line));
    assert.equal(documents.length, DOCUMENTS);
  }, 180_000);

  test('differ alike', async () => {
    let changed = 0;
    await each(documents, async ({ seed, document, keys }, index) => {
      const draft = edited(document, keys[index % (keys.length - 1)], index);
      const difference = await sameDifference(document, draft, NOW, `seed ${seed}`);
      changed += difference.flags.length;
    });
    assert.ok(changed > DOCUMENTS / 2, `${changed} flags are different`);
  }, 180_000);

  test('explain alike', async () => {
    let lines = 0;
    await each(documents, async ({ seed, document, cases }) => {
      const [{ context }] = cases;
      lines += await sameExplanations(document, [context], NOW, `seed ${seed}`);
    });
    assert.ok(lines > DOCUMENTS, `${lines} explanations`);
  }, 180_000);

  test('are simulated alike', async () => {
    const asked = documents.flatMap(({ seed, document, keys }) => {
      const flag = keys.find((key) => hasThreshold(document, key));
      return flag === undefined ? [] : [{ seed, document, snapshot: compiler.compile(document).snapshot, flag }];
    });
    assert.ok(asked.length > 20, `${asked.length} documents have a threshold`);
    await each(asked.slice(0, 8), async ({ seed, document, snapshot, flag }) => {
      const scenario = { flag, errorRate: 0.5, requestsPerSecond: 5, sharePercent: 20, baseline: 0.01, seed: 3 };
      const args = ['--flag', flag, '--error-rate', '0.5', '--rps', '5', '--share', '20', '--baseline', '0.01'];
      const more = ['--seed', '3', '--runs', '2', '--days', '1'];
      const printed = await flcm(write({ base: document }), 'simulate', '--json', 'base', ...args, ...more);
      const simulator = compiler.simulator(snapshot, { ...scenario, now: NOW });
      assert.equal(JSON.stringify(simulator.advance(2, 1)), printed, `seed ${seed}`);
      simulator.free();
    });
  }, 180_000);
});

/** The document with a flag that is switched off, or with another percentage. */
function edited(text, flag, index) {
  const edit =
    index % 2 === 0
      ? { op: 'set', path: ['flags', flag, 'enabled'], value: index % 8 === 0 }
      : { op: 'set', path: ['flags', flag, 'rollout', 'percentage'], value: (index * 7) % 101 };
  const { text: draft } = compiler.edit(text, [edit]);
  return draft && compiler.compile(draft).snapshot ? draft : text;
}

const hasThreshold = (text, flag) =>
  compiler.outline(text, flag)?.values.some(({ path }) => path[0] === 'error_threshold') ?? false;
