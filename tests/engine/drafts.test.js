// Drafts, simulations and explanations of WebAssembly are those of the command line, byte for byte.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createCompiler } from '@flcm/flags-web/compile';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { withPage } from '../kit/browser.js';
import { growth } from '../kit/memory.ts';
import { answers, asked } from './drafts.js';

const root = new URL('../..', import.meta.url).pathname;
const program = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/flcm');
const folder = mkdtempSync(join(tmpdir(), 'flcm-drafts-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name, text) => {
  writeFileSync(join(folder, name), text);
  return name;
};
const flcm = (...args) => execFileSync(program, args, { cwd: folder, encoding: 'utf8' }).trimEnd();

const compiler = await createCompiler(readFileSync(join(root, 'pkg/web/dist/compile.wasm')));
const found = answers(compiler);

describe('a draft', () => {
  beforeAll(() => {
    file('base', asked.base);
    file('users', asked.lines);
  });

  for (const [name, draft] of Object.entries(asked.drafts)) {
    test(`has the difference that flcm diff prints: ${name}`, () => {
      file('draft', draft);
      const args = ['--json', '--now', String(asked.now), 'base', 'draft'];
      assert.equal(found[`diff: ${name}`], flcm('diff', ...args));
      const counted = JSON.parse(flcm('diff', '--contexts', 'users', ...args));
      const flags = Object.fromEntries(counted.flags.map(({ flag, contexts }) => [flag, contexts]));
      const expected = { lines: 400, contexts: 400, failed: 0, problems: [], flags };
      assert.deepEqual(JSON.parse(found[`count: ${name}`]), expected);
    });
  }

  test('has the problems that compile reports', () => {
    for (const [name, draft] of Object.entries(asked.drafts)) {
      assert.equal(found[`problems: ${name}`], JSON.stringify(compiler.compile(draft).diagnostics));
    }
    assert.ok(Object.keys(asked.drafts).length > 5);
  });

  test('without a difference has none', () => {
    assert.deepEqual(JSON.parse(found['diff: unchanged']).flags, []);
    assert.ok(JSON.parse(found['count: raised']).flags.receipts.gain > 10, 'dependents are counted');
  });
});

test('a simulation is what flcm simulate prints', () => {
  const { baseline, errorRate, flag, requestsPerSecond, seed, sharePercent } = asked.scenario;
  const args = {
    flag,
    'error-rate': errorRate,
    baseline,
    rps: requestsPerSecond,
    share: sharePercent,
    seed,
    runs: asked.runs,
  };
  const printed = flcm(
    'simulate',
    '--json',
    file('base', asked.base),
    ...Object.entries(args).map(([name, value]) => `--${name}=${value}`),
  );
  assert.equal(found.simulate, printed);
});

test('the first results of a simulation are the same with and without the rest', () => {
  const { snapshot } = compiler.compile(asked.base);
  const simulated = (withPlain, ...steps) => {
    const simulator = compiler.simulator(snapshot, { ...asked.scenario, withPlain, now: asked.now });
    const [last] = steps.map((step) => simulator.advance(...step)).slice(-1);
    simulator.free();
    return last.rules[0];
  };
  const own = JSON.parse(found.simulate).rules[0];
  assert.deepEqual(simulated(false, [asked.runs]), own);
  assert.deepEqual(simulated(false, [asked.runs, 0], [0, 2]), own);
  assert.equal(simulated(false, [asked.runs, 0]).days, 0);
});

describe('an edit', () => {
  const answer = (name) => JSON.parse(found[`edit: ${name}`]);

  test('changes one value and leaves the rest', () => {
    assert.deepEqual(answer('raised').text, asked.base.replace('percentage: 10', 'percentage: 12.5'));
    assert.deepEqual(answer('raised').changed, [{ start: 5, end: 6 }]);
  });

  test('of each kind is applied, one after the other', () => {
    const { text } = answer('inserted, renamed, removed');
    assert.match(text, /^# Who has what\.$/m);
    assert.match(text, /users: \[carol, dave, erin\]/);
    assert.match(text, /^ {2}newer:/m);
    assert.doesNotMatch(text, /error_threshold/);
    assert.ok(compiler.compile(text).snapshot);
  });

  test('that is declined says which and why', () => {
    const { edit, reason, message, help, at } = answer('declined').declined;
    assert.deepEqual([edit, reason], [1, 'missing']);
    assert.ok(message && help && at.start.line >= 0);
  });

  test('is what flcm set writes', () => {
    const name = file('set.yaml', asked.base);
    flcm('set', name, 'flags.checkout.rollout.percentage', '12.5');
    assert.equal(readFileSync(join(folder, name), 'utf8'), answer('raised').text);
  });
});

test('cohorts say who uses them', () => {
  const staff = { name: 'staff', users: 2, except: 0, when: [], namedBy: ['checkout'] };
  assert.deepEqual(JSON.parse(found.cohorts), [staff]);
  assert.equal(compiler.cohorts('flags: ['), undefined);
});

test('an outline has each value and who names whom', () => {
  const { dependents, values } = JSON.parse(found['outline: checkout']);
  assert.deepEqual(
    dependents.map(({ name }) => name),
    ['receipts'],
  );
  const percentage = values.find(({ path }) => path.join('.') === 'rollout.percentage');
  assert.deepEqual([percentage.value, percentage.origin, percentage.range.start.line], [10, { kind: 'own' }, 5]);
  assert.equal(compiler.outline(asked.base, 'gone'), undefined);
});

test('the outline of a cohort has each value and who names it', () => {
  const { cohort, values, dependents } = JSON.parse(found['cohortOutline: staff']);
  const users = values.filter(({ path }) => path.length === 2).map(({ path, value }) => [path, value]);
  assert.deepEqual(users, [
    [['users', 0], 'carol'],
    [['users', 1], 'dave'],
  ]);
  assert.deepEqual([cohort, dependents.map(({ name }) => name)], ['staff', ['checkout']]);
  assert.equal(compiler.cohortOutline(asked.base, 'gone'), undefined);
});

test('an explanation is what flcm decide prints', () => {
  for (const flag of ['checkout', 'receipts', 'theme']) {
    const context = ['--user', 'carol', '--attr', 'country=DE', '--now', String(asked.now)];
    const [printed] = [
      JSON.parse(flcm('decide', file('base', asked.base), '--flag', flag, '--json', '--explain', ...context)),
    ];
    assert.deepEqual(JSON.parse(found[`explain: ${flag}`]), printed);
  }
  assert.equal(JSON.parse(found['explain: checkout, tripped']).reason, 'BREAKER_OPEN');
  assert.equal(JSON.parse(found['explain: gone']).errorCode, 'FLAG_NOT_FOUND');
});

test('a value keeps each of its members and numbers', () => {
  const { snapshot } = compiler.compile(asked.base);
  const users = Array.from({ length: 20 }, (_, user) => ({
    snapshot,
    flag: 'theme',
    targetingKey: `${user}`,
    now: asked.now,
  }));
  const light = users
    .map((question) => compiler.explain(question).explanation)
    .find(({ variant }) => variant === 'light');
  assert.deepEqual(Object.keys(light.value), ['__proto__', 'size']);
  assert.equal(light.value.size, 1e17);
  assert.equal(light.value.admin, undefined);
});

test('a page has the same answers', async () => {
  const folders = { '/engine/': join(root, 'tests/engine'), '/web/': join(root, 'pkg/web/dist') };
  await withPage(folders, async ({ run, errors }) => {
    assert.deepEqual(await run('/engine/drafts.js'), found);
    assert.deepEqual(errors, []);
  });
});

describe('misuse', () => {
  const throws = (code, message, question) =>
    assert.throws(question, (error) => error.code === code && message.test(error.message));
  const { snapshot } = compiler.compile(asked.base);

  test('is refused with what to do about it', () => {
    throws('INVALID_ARGUMENT', /the base has an error in line 1: /, () =>
      compiler.workbench('flags: { a: { colour: red } }'),
    );
    for (const wrong of [undefined, 5, {}]) {
      throws('INVALID_ARGUMENT', /`base`/, () => compiler.workbench(wrong));
      throws('INVALID_ARGUMENT', /Uint8Array/, () => compiler.trips(wrong, {}));
      throws('INVALID_ARGUMENT', /Uint8Array/, () => compiler.simulator(wrong, asked.scenario));
    }
    for (const edits of [undefined, 5, [{ op: 'paint' }], [{ op: 'set', path: 5, value: 1 }]]) {
      throws('INVALID_ARGUMENT', /the edits cannot be read/, () => compiler.edit(asked.base, edits));
    }
    throws('INVALID_ARGUMENT', /`text`/, () => compiler.edit(5, []));
    throws('INVALID_ARGUMENT', /`flag`/, () => compiler.outline(asked.base, 5));
    throws('INVALID_ARGUMENT', /`cohort`/, () => compiler.cohortOutline(asked.base));
    throws('INVALID_SNAPSHOT', /./, () => compiler.trips(new Uint8Array(9), {}));
    throws('INVALID_ARGUMENT', /`checkout`.*`odd`.*`capped N`/, () => compiler.trips(snapshot, { checkout: 'odd' }));
    throws('INVALID_ARGUMENT', /cannot be read/, () => compiler.trips(snapshot, { checkout: 5 }));
    throws('INVALID_ARGUMENT', /`now`/, () => compiler.simulator(snapshot, asked.scenario));
    const simulator = (change) => () => compiler.simulator(snapshot, { ...asked.scenario, now: asked.now, ...change });
    throws('INVALID_ARGUMENT', /`errorRate` is 2 /, simulator({ errorRate: 2 }));
    throws('INVALID_ARGUMENT', /no flag `chekout`.*`checkout`/, simulator({ flag: 'chekout' }));
    throws('INVALID_ARGUMENT', /no `error_threshold`/, simulator({ flag: 'theme' }));
    throws('INVALID_ARGUMENT', /unknown field `colour`/, simulator({ colour: 'red' }));
    throws('INVALID_ARGUMENT', /`now` is -1/, simulator({ now: -1 }));
    const running = simulator({})();
    for (const wrong of [-1, 0.5, 1_000_001, Number.NaN, '5'])
      throws('INVALID_ARGUMENT', /`runs`/, () => running.advance(wrong));
    running.free();
    running.free();
    throws('FREED', /simulator/, () => running.advance(1));
  });

  test('of a workbench leaves it usable', () => {
    const workbench = compiler.workbench(asked.base);
    assert.deepEqual(
      [workbench.diff(asked.now), workbench.count('{}'), workbench.snapshot()],
      [undefined, undefined, undefined],
    );
    throws('INVALID_ARGUMENT', /`draft`/, () => workbench.draft(5));
    assert.equal(workbench.draft('flags: [')[0].severity, 'error');
    assert.equal(workbench.diff(asked.now), undefined);
    assert.deepEqual(workbench.draft(asked.drafts.raised), []);
    assert.ok(workbench.snapshot() instanceof Uint8Array);
    throws('INVALID_ARGUMENT', /`now` is NaN/, () => workbench.diff(Number.NaN));
    assert.equal(workbench.diff(asked.now).flags[0].flag, 'checkout');
    const { failed, problems } = workbench.count('{}\n[]\n');
    assert.deepEqual([failed, problems[0].line], [1, 2]);
    workbench.free();
    throws('FREED', /workbench/, () => workbench.diff(asked.now));
  });
});

test('a thousand drafts leave memory as it is', async () => {
  const workbench = compiler.workbench(asked.base);
  let percentage = 0;
  const { all } = await growth(() => {
    for (let draft = 0; draft < 100; draft += 1) {
      percentage += 0.001;
      workbench.draft(asked.base.replace('percentage: 10', `percentage: ${percentage.toFixed(3)}`));
      workbench.diff(asked.now);
      workbench.count(asked.lines.slice(0, 2000));
    }
  });
  assert.ok(all < 8 << 20, `${all}`);
  workbench.free();
});
