// The engine of pages checks less than the full one. What it takes it must decide in a number of steps that the length
// of the bytes bounds, whatever they say. Steps are function calls and turns of loops: time would say nothing here.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPageEngine } from '@flcm/flags-web/page';
import { afterAll, test } from 'vitest';
import { compiled, NOW } from './engines.js';
import { mend, records } from './snapshot-bytes.js';

/** Steps for each byte of a snapshot, to load it and decide every flag. What a compiler writes takes less than one. */
const MOST = 4;

const root = join(import.meta.dirname, '../..');
const module = counting(join(root, 'pkg/web/dist/flags-page.wasm'));
const { Instance } = WebAssembly;
let [steps, most] = [0, 0];

// The engine makes its instances itself, and passes no imports.
WebAssembly.Instance = function counted(of, imports = { env: { log_execution: step } }) {
  return new Instance(of, imports);
};
afterAll(() => {
  WebAssembly.Instance = Instance;
});

function step() {
  steps += 1;
  if (steps > most) throw new Error(`more than ${most} steps`);
}

/** The module, which calls an import at each function and each turn of a loop. */
function counting(path) {
  const folder = mkdtempSync(join(tmpdir(), 'flcm-steps-'));
  const out = join(folder, 'counting.wasm');
  execFileSync('npx', ['--no', '--', 'wasm-opt', path, '--log-execution', '--all-features', '-o', out], { cwd: root });
  const counted = new WebAssembly.Module(readFileSync(out));
  rmSync(folder, { recursive: true });
  return counted;
}

/** Loads a snapshot and decides every flag; whether it was taken. Throws when that takes too many steps, or fails. */
function decides(bytes) {
  [steps, most] = [0, MOST * bytes.length];
  let failed;
  const page = createPageEngine(module, (error) => {
    failed = error;
  });
  try {
    page.load(bytes).context('alice', { age: 45, name: 'alice' }).decideAll(NOW);
  } catch (error) {
    if (error.code !== 'INVALID_SNAPSHOT') throw failed ?? error;
    return false;
  }
  assert.equal(failed, undefined);
  return true;
}

/** The kind of a group. */
const ANY = 2;

const exists = { attribute: 'age', operator: 'exists' };
const absent = { attribute: 'size', operator: 'exists' };

/** A document of so many flags, each with the conditions. */
const flagsWith = (count, conditions) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, { conditions }]));

test('steps are counted', () => {
  const bytes = compiled({ flags: flagsWith(2000, [exists]) });
  assert.ok(decides(bytes));
  assert.ok(steps > bytes.length / 10, `${steps} steps for ${bytes.length} bytes`);
});

test('rules that share their conditions are refused', () => {
  const bytes = Buffer.from(compiled({ flags: flagsWith(4000, [exists]) }));
  const [rules, nodes] = [records(bytes, 'rule'), records(bytes, 'node')];
  for (let rule = 0; rule < rules.count; rule++) {
    bytes.writeUInt32LE(0, rules.at(rule, 'conditions'));
    bytes.writeUInt32LE(nodes.count, rules.at(rule, 'conditionCount'));
  }
  assert.equal(decides(mend(bytes)), false);
});

test('groups that nest without end are empty at some depth', () => {
  const bytes = Buffer.from(compiled({ flags: flagsWith(40, Array(1000).fill(exists)) }));
  const [rules, nodes] = [records(bytes, 'rule'), records(bytes, 'node')];
  for (let rule = 0; rule < rules.count; rule++) bytes.writeUInt32LE(0, rules.at(rule, 'conditionCount'));
  for (let rule = 1; rule < rules.count; rule++) bytes.writeUInt32LE(0, rules.at(rule, 'conditions'));
  bytes.writeUInt32LE(nodes.count, rules.at(0, 'conditionCount'));
  for (let node = 0; node < nodes.count; node++) {
    bytes[nodes.at(node, 'kind')] = ANY;
    bytes.writeUInt32LE(nodes.count - node - 1, nodes.at(node, 'extra'));
  }
  assert.ok(decides(mend(bytes)));
});

test('a group whose members would end beyond all numbers does not begin before itself', () => {
  const bytes = Buffer.from(compiled({ flags: flagsWith(4000, [absent]) }));
  const nodes = records(bytes, 'node');
  for (let node = nodes.count / 2; node < nodes.count; node++) {
    bytes[nodes.at(node, 'kind')] = ANY;
    bytes.writeUInt32LE(0xffff_ffff, nodes.at(node, 'extra'));
  }
  assert.ok(decides(mend(bytes)));
});

test('a cohort that names another one very often decides it a few times', () => {
  const outer = (index) => `outer${index}`;
  const indices = Array.from({ length: 1000 }, (_, index) => index);
  const when = [{ cohort: 'inner' }];
  const cohorts = Object.fromEntries(indices.map((index) => [outer(index), { when }]));
  cohorts.inner = { when: Array(1000).fill(exists) };
  const flags = Object.fromEntries(
    indices.map((index) => [`f${index}`, { enabled: index === 999, conditions: [{ cohort: outer(index) }] }]),
  );
  const bytes = Buffer.from(compiled({ cohorts, flags }));
  const list = records(bytes, 'cohort');
  for (let cohort = 0; cohort < list.count; cohort++) {
    bytes.writeUInt32LE(0, list.at(cohort, 'closure'));
    bytes.writeUInt16LE(0, list.at(cohort, 'closureCount'));
  }
  bytes.writeUInt16LE(indices.length, list.at(list.count - 1, 'closureCount'));
  assert.ok(decides(mend(bytes)));
});
