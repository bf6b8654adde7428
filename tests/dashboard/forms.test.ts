/** The forms of a flag's parts, over a real server: each changes the lines that it is about, and no others. */

import type { Locator, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Server } from '../server/kit/serve.ts';
import { file, publish, review, signingIn, start } from './kit/served.ts';

const DOCUMENT = `# Flags of the shop.
cohorts:
  beta_testers: { users: [alice, bob] }
  staff: { users: [carol] }

templates:
  migration:
    error_threshold: { rate: 0.05, window: 300 } # of the template

flags:
  # The next search.
  new_search:
    extends: migration
    rollout:
      percentage: 20 # agreed with search
      cohorts: [{ beta_testers: true }]
    conditions:
      - { attribute: country, operator: in, value: [DE, AT] } # only there
      - any: [{ attribute: plan, operator: "==", value: pro }, { cohort: staff }]

  plain:
    rollout: { percentage: 10 }
`;

const signIn = signingIn();

async function open(flag: string): Promise<{ server: Server; page: Page; faults: string[] }> {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  await page.getByRole('link', { name: flag, exact: true }).first().click();
  return { server, page, faults };
}

async function edit(page: Page, part: string): Promise<Locator> {
  await page.getByRole('button', { name: `Edit: ${part}` }).click();
  return page.getByRole('dialog', { name: part });
}

const apply = (form: Locator) => form.getByRole('button', { name: 'Put into the draft' }).click();

test('conditions: a list is changed, a test is added, what is nested stays', async () => {
  const { server, page, faults } = await open('new_search');
  const form = await edit(page, 'Conditions');
  const first = form.getByRole('group', { name: 'condition 1', exact: true });
  await first.getByLabel('Value').fill('DE, AT, CH');
  await form.getByRole('button', { name: 'Add a test of an attribute' }).last().click();
  const third = form.getByRole('group', { name: 'condition 3', exact: true });
  await third.getByLabel('Attribute').fill('app_version');
  await third.getByLabel('Comparison').selectOption('semver_gte');
  await third.getByLabel('Value').fill('2.4.0');
  await third.getByLabel('not').check();
  await apply(form);
  const panel = page.getByRole('region', { name: 'Conditions' });
  await panel.getByText('DE, AT, CH').waitFor();
  await panel.getByText('edited').waitFor();
  await review(page);
  await publish(page);
  expect(file(server)).toBe(
    DOCUMENT.replace('[DE, AT]', '[DE, AT, CH]').replace(
      '{ cohort: staff }]\n',
      '{ cohort: staff }]\n      - not: { attribute: app_version, operator: semver_gte, value: "2.4.0" }\n',
    ),
  );
  expect(faults).toEqual([]);
});

test('conditions: what the engine refuses cannot go into the draft, and says why', async () => {
  const { page } = await open('plain');
  const form = await edit(page, 'Conditions');
  await form.getByRole('button', { name: 'Add a test of an attribute' }).click();
  await form.getByLabel('Attribute').fill('version');
  await form.getByLabel('Comparison').selectOption('semver_gte');
  await form.getByLabel('Value').fill('not a version');
  await form.getByRole('status').getByText('flags.plain.conditions').first().waitFor();
  expect(await form.getByRole('button', { name: 'Put into the draft' }).isDisabled()).toBe(true);
  await form.getByLabel('Value').fill('2.4.0');
  await apply(form);
  await page.getByText('edited: 1 key').waitFor();
});

test('a form that is opened again shows the draft, and a change back leaves none', async () => {
  const { page } = await open('plain');
  let form = await edit(page, 'Conditions');
  await form.getByRole('button', { name: 'Add a cohort' }).click();
  await form.getByLabel('Cohort').selectOption('staff');
  await apply(form);
  await page.getByText('edited: 1 key').waitFor();
  form = await edit(page, 'Conditions');
  expect(await form.getByLabel('Cohort').inputValue()).toBe('staff');
  await form.getByRole('button', { name: 'Remove condition 1', exact: true }).click();
  await apply(form);
  await page.getByText('edited: 1 key').waitFor({ state: 'detached' });
});

test('conditions: a group is added inside of another, with what must not hold', async () => {
  const { server, page } = await open('new_search');
  const form = await edit(page, 'Conditions');
  const group = form.getByRole('group', { name: 'condition 2', exact: true });
  await group.getByLabel('Of these').first().selectOption('all');
  await group.getByRole('button', { name: 'Add a group' }).click();
  const inner = form.getByRole('group', { name: 'condition 3 in condition 2' });
  await inner.getByRole('button', { name: 'Add a cohort' }).click();
  await inner.getByRole('button', { name: 'Add a test of an attribute' }).click();
  const test = form.getByRole('group', { name: 'condition 2 in condition 3 in condition 2' });
  await test.getByLabel('Attribute').fill('country');
  await test.getByLabel('Value').fill('DE');
  await test.getByLabel('not').check();
  await apply(form);
  await page
    .getByRole('region', { name: 'Conditions' })
    .getByText('(plan is pro and is a member of staff and (is a member of beta_testers or not country is DE))')
    .waitFor();
  await review(page);
  await publish(page);
  const [before, after] = [DOCUMENT.split('\n'), file(server).split('\n')];
  expect(before.filter((line) => !after.includes(line))).toEqual([
    '      - any: [{ attribute: plan, operator: "==", value: pro }, { cohort: staff }]',
  ]);
  expect(after.join('\n')).toMatch(/all:[\s\S]*staff[\s\S]*any:[\s\S]*beta_testers[\s\S]*not:[\s\S]*country/);
});

test('rules: two are added, the second is tried first, and one has a group of conditions', async () => {
  const { server, page, faults } = await open('plain');
  const form = await edit(page, 'Rules');
  for (const [at, name] of ['colleagues', 'large customers'].entries()) {
    await form.getByRole('button', { name: 'Add a rule' }).click();
    await form
      .getByRole('group', { name: `rule ${at + 1}`, exact: true })
      .getByLabel('Name of the rule')
      .fill(name);
  }
  const first = form.getByRole('group', { name: 'rule 1', exact: true });
  await first.getByRole('button', { name: 'Add a cohort' }).click();
  await first.getByLabel('Cohort').selectOption('staff');
  const second = form.getByRole('group', { name: 'rule 2', exact: true });
  await second.getByLabel('Percentage').fill('50');
  await second.getByRole('button', { name: 'Add a test of an attribute' }).click();
  await second.getByLabel('Attribute').fill('seats');
  await second.getByLabel('Comparison').selectOption('>=');
  await second.getByLabel('Value').fill('100');
  await form.getByRole('button', { name: 'Try rule 2 earlier' }).click();
  await first.getByLabel('Name of the rule').waitFor();
  expect(await first.getByLabel('Name of the rule').inputValue()).toBe('large customers');
  await apply(form);
  const panel = page.getByRole('region', { name: 'Rules' });
  await panel.getByText('seats ≥ 100').waitFor();
  await review(page);
  await publish(page);
  const text = file(server);
  expect(text).toMatch(/rules:[\s\S]*large customers[\s\S]*colleagues/);
  expect(text).toMatch(/percentage: 50/);
  expect(DOCUMENT.split('\n').filter((line) => !text.split('\n').includes(line))).toEqual([]);
  expect(faults).toEqual([]);
});

test('a percentage that would change at once becomes a schedule, from Review', async () => {
  const { server, page } = await open('plain');
  await page.getByRole('button', { name: '50', exact: true }).click();
  await page.getByText('draft 50\u202f%').waitFor();
  await page.getByRole('link', { name: 'Review change…' }).click();
  await page.getByRole('button', { name: 'Raise plain to 50\u202f% by a schedule instead…' }).click();
  const form = page.getByRole('dialog', { name: 'Schedule' });
  await form.getByText('Until the first stage it stays at 10\u202f%.').waitFor();
  const shares = form.getByLabel('Percentage');
  expect(await shares.evaluateAll((inputs) => inputs.map((input) => (input as HTMLInputElement).value))).toEqual([
    '20',
    '30',
    '40',
    '50',
  ]);
  await form.getByLabel('Between stages').selectOption('linear');
  await apply(form);
  await page.getByText('No errors').waitFor();
  await page.getByLabel('Why?').fill('Step by step');
  await page.getByRole('button', { name: /^Publish to/ }).click();
  await page.getByText('Published as revision').waitFor();
  const text = file(server);
  expect(text).toContain('percentage: 10');
  expect(text.match(/at: \d{4}-\d\d-\d\dT00:00:00Z/g)?.length).toBe(4);
  expect(text).toContain('ramp: linear');
});

test('a new flag by keyboard alone', async () => {
  const { server, page } = await open('plain');
  await page.getByRole('link', { name: 'Flags' }).first().click();
  await page.getByRole('button', { name: 'New flag' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'New flag' }).waitFor();
  await page.keyboard.type('gift_cards');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Cards as gifts');
  await page.locator('dialog button[type=submit]:enabled').waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('No errors').waitFor();
  await page.getByLabel('Why?').focus();
  await page.keyboard.type('For the winter');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByText('Published as revision').waitFor();
  expect(file(server)).toContain('gift_cards:');
});

test('cohorts: one more gets it, another never', async () => {
  const { server, page } = await open('new_search');
  const form = await edit(page, 'Cohorts');
  await form.getByLabel('Add a cohort').selectOption('staff');
  await form.getByRole('group', { name: 'staff' }).getByLabel('Decision').selectOption('off');
  await apply(form);
  await review(page);
  await publish(page);
  expect(file(server)).toBe(DOCUMENT.replace('[{ beta_testers: true }]', '[{ beta_testers: true }, { staff: false }]'));
});

test('variants: a flag without gets two, with weights and values', async () => {
  const { server, page } = await open('plain');
  const form = await edit(page, 'Variants');
  for (const [at, name, value, weight] of [
    [1, 'one', '12', '3'],
    [2, 'one', '"13"', '1'],
  ] as const) {
    await form.getByRole('button', { name: 'Add a variant' }).click();
    const row = form.getByRole('group', { name: `variant ${at}` });
    await row.getByLabel('Name').fill(name);
    await row.getByLabel('What it serves').fill(value);
    await row.getByLabel('Weight').fill(weight);
  }
  await form.getByText('75\u202f%').waitFor();
  await form.getByRole('status').getByText('flags.plain.variants').first().waitFor();
  await form.getByRole('group', { name: 'variant 2' }).getByLabel('Name').fill('two');
  await apply(form);
  await review(page);
  await publish(page);
  expect(file(server)).toContain(
    '    variants:\n      - { name: one, weight: 3, value: 12 }\n      - { name: two, weight: 1, value: "13" }\n',
  );
});

test("threshold: a key of the flag's own, the others stay the template's", async () => {
  const { server, page } = await open('new_search');
  const form = await edit(page, 'Error threshold');
  await form.getByText('From migration.').first().waitFor();
  await form.getByLabel('slow_ms').fill('800');
  await form.getByLabel('action').selectOption('step_back');
  await apply(form);
  await review(page);
  await publish(page);
  const [before, after] = [DOCUMENT.split('\n'), file(server).split('\n')];
  expect(after.filter((line) => !before.includes(line)).join('\n')).toMatch(
    /error_threshold:[\s\S]*(action: step_back[\s\S]*slow_ms: 800|slow_ms: 800[\s\S]*action: step_back)/,
  );
  expect(before.filter((line) => !after.includes(line))).toEqual([]);
  expect(after.join('\n')).not.toMatch(/step_back[\s\S]*rate: 0\.05/);
});

test('schedule: two stages that rise evenly, and none again', async () => {
  const { server, page } = await open('plain');
  let form = await edit(page, 'Schedule');
  for (const at of [1, 2]) {
    await form.getByRole('button', { name: 'Add a stage' }).click();
    const row = form.getByRole('group', { name: `stage ${at}` });
    await row.getByLabel('From').fill(`2099-0${at}-01T00:00`);
    await row.getByLabel('Percentage').fill(`${at * 30}`);
    await page.keyboard.press('Tab');
  }
  await form.getByLabel('Between stages').selectOption('linear');
  await apply(form);
  await page.getByRole('region', { name: 'Schedule' }).getByText('30\u202f% on 1 Jan, 60\u202f% on 1 Feb').waitFor();
  await review(page);
  await publish(page);
  const text = file(server);
  expect(text).toMatch(/percentage: 10,? ?.*schedule/s);
  expect(text).toContain('{ at: 2099-01-01T00:00:00Z, percentage: 30 }');
  expect(text).toContain('ramp: linear');
  await page.getByRole('link', { name: 'To the flags' }).click();
  await page.getByRole('link', { name: 'plain', exact: true }).first().click();
  form = await edit(page, 'Schedule');
  await form.getByRole('button', { name: 'Remove stage 2' }).click();
  await form.getByRole('button', { name: 'Remove stage 1' }).click();
  await apply(form);
  await review(page);
  await publish(page);
  expect(file(server)).toBe(DOCUMENT);
});

test('another threshold is simulated anew', async () => {
  const { page } = await open('new_search');
  await page.getByText('off after (half of the runs)').waitFor();
  const form = await edit(page, 'Error threshold');
  await form.getByLabel('detector').selectOption('rate');
  await form.getByLabel('min_samples').fill('100000000');
  await apply(form);
  await page
    .locator('tr', { hasText: 'off after (half of the runs)' })
    .getByText('not found')
    .waitFor({ timeout: 90_000 });
});

test('a form adds to the draft of the text editor, and loses nothing of it', async () => {
  const { server, page } = await open('plain');
  await page.getByRole('link', { name: 'Text editor' }).click();
  await page.getByRole('textbox', { name: 'The document as text' }).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('# The end.');
  await page.getByText('changed', { exact: true }).waitFor();
  await page.getByText('No problems').waitFor();
  await page.getByRole('link', { name: 'Flags' }).first().click();
  await page.getByRole('link', { name: 'plain', exact: true }).first().click();
  await page.getByRole('button', { name: '25', exact: true }).click();
  await page.getByText('draft 25\u202f%').waitFor();
  const form = await edit(page, 'Conditions');
  await form.getByRole('button', { name: 'Add a cohort' }).click();
  await apply(form);
  await review(page);
  await publish(page);
  const text = file(server);
  expect(text).toContain('# The end.');
  expect(text).toContain('percentage: 25');
  expect(text).toContain('cohort: beta_testers');
});
