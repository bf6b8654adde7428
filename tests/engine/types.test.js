// What WebAssembly answers has the types that `bindings/documents.d.ts` declares: each answer becomes a literal, which
// TypeScript compares. A member that is not declared is an error, as is one that is missing.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCompiler } from '@flcm/flags-web/compile';
import { afterAll, test } from 'vitest';
import { answers } from './drafts.js';

const root = new URL('../..', import.meta.url).pathname;
mkdirSync(join(root, 'target/tmp'), { recursive: true });
const folder = mkdtempSync(join(root, 'target/tmp/answers-'));
afterAll(() => rmSync(folder, { recursive: true }));

const compiler = await createCompiler(readFileSync(join(root, 'pkg/web/dist/compile.wasm')));

const TYPES = {
  cohortOutline: 'CohortOutline',
  cohorts: 'Cohort[]',
  count: 'Counted',
  diff: 'Difference',
  edit: 'EditAnswer',
  explain: 'Explanation',
  outline: 'Outline',
  problems: 'Diagnostic[]',
  simulate: 'Simulation',
};

/** Of a document with conditions of every kind, a schedule and a breaker. */
const DOCUMENT = `
cohorts: { staff: { users: [carol], when: [{ attribute: email, operator: ends_with, value: '@example.com' }] } }
flags:
  base: { conditions: [{ attribute: country, operator: in, value: [DE, FR] }] }
  all:
    dependencies: [base]
    error_threshold: { rate: 0.05 }
    variants: [{ name: a, weight: 1 }, { name: b, weight: 1 }]
    overrides: { bob: a }
    rules:
      - name: staff
        conditions: [{ cohort: staff }, { not: { any: [{ attribute: age, operator: '<', value: 18 }, { attribute: age, operator: exists }] } }]
      - { percentage: 50 }
`;

function explanations() {
  const { snapshot, report } = compiler.compile(DOCUMENT);
  assert.ok(snapshot, report);
  const trips = compiler.trips(snapshot, { all: 'probing' });
  const users = ['alice', 'bob', 'carol', undefined];
  return users.flatMap((targetingKey) =>
    [undefined, trips].map((trips) => {
      const attributes = { country: 'DE', email: 'x@example.com' };
      return JSON.stringify(
        compiler.explain({ snapshot, trips, flag: 'all', targetingKey, attributes, now: 0 }).explanation,
      );
    }),
  );
}

/** TypeScript's complaints about literals and their types. */
function complaints(literals) {
  const used = [...new Set(literals.map(([type]) => type.replace('[]', '')))];
  const lines = literals.map(([type, text], index) => `export const answer${index} = ${text} satisfies ${type};`);
  writeFileSync(
    join(folder, 'answers.ts'),
    [`import type { ${used} } from '../../../bindings/contract.d.ts';`, ...lines].join('\n'),
  );
  const options = { declaration: false, isolatedDeclarations: false };
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../../tsconfig.json',
      compilerOptions: options,
      include: ['answers.ts'],
      exclude: [],
    }),
  );
  return spawnSync('npx', ['--no', '--', 'tsc', '-p', folder], { cwd: root, encoding: 'utf8' }).stdout;
}

const literals = [
  ...Object.entries(answers(compiler)).map(([name, text]) => [TYPES[name.split(':')[0]], text]),
  ...explanations().map((text) => ['Explanation', text]),
  [
    'Diagnostic[]',
    JSON.stringify(compiler.compile('flags: { a: { colour: red, rollout: { percentag: 5 } } }').diagnostics),
  ],
];

test('every answer has its type', () => {
  const kinds = new Set(literals.flatMap(([, text]) => [...text.matchAll(/"check":"(\w+)"/g)].map(([, kind]) => kind)));
  for (const kind of [
    'enabled',
    'breaker',
    'flag',
    'override',
    'rule',
    'group',
    'test',
    'cohort',
    'rollout',
    'split',
  ]) {
    assert.ok(kinds.has(kind), `a check of the kind ${kind} is compared: ${[...kinds]}`);
  }
  assert.equal(complaints(literals), '');
});

test('a member that is not declared, or is missing, is seen', () => {
  const explanation = JSON.parse(explanations()[0]);
  const { arm, ...less } = explanation;
  assert.match(complaints([['Explanation', JSON.stringify({ ...explanation, colour: 'red' })]]), /colour/);
  assert.match(complaints([['Explanation', JSON.stringify(less)]]), /arm/);
});
