/** The list: what needs a person first, filters in the address, commands from the row, ten thousand flags. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();

const keys = (page: import('playwright-core').Page): Promise<string[]> =>
  page.locator('.flags .body [role=row]').evaluateAll((rows) => {
    const place = (row: Element) => Number(row.getAttribute('data-index'));
    return rows.sort((a, b) => place(a) - place(b)).map((row) => row.querySelector('a')?.textContent ?? '');
  });

test('what waits for a person stands first, and is counted', async () => {
  const { page } = await kit.open('/flags');
  await page.getByText('3 flags wait for a person').waitFor();
  expect((await keys(page)).slice(0, 5)).toEqual([
    'v2_framework_library',
    'ml_recommendations',
    'payments_sca',
    'search_v2',
    'checkout_v2',
  ]);
  const states = await page.locator('.flags .pill').evaluateAll((pills) => pills.map((pill) => pill.textContent));
  expect(states.slice(0, 5)).toEqual([
    '▼Rolled back 12\u202fmin',
    '◣Capped at 5\u202f%: slow',
    '■Held by anna 2\u202fh',
    '◐Probing 1\u202f%',
    '▲Evidence rises',
  ]);
});

test('each state has a word of its own', async () => {
  const { page } = await kit.open('/flags');
  for (const text of [
    'Waits for payments_sca',
    'Rolling out',
    'A/B test',
    'Off',
    'Stale: 100\u202f% for 94\u202fd',
    'No host asks for it',
  ]) {
    await page.locator('.flags').getByText(text, { exact: true }).first().waitFor({ timeout: 5000 });
  }
});

test('a filter stands in the address, and a link with it shows the same', async () => {
  const { page } = await kit.open('/flags');
  await page.getByRole('textbox', { name: 'Filter' }).fill('owner:search,b2b is:waiting');
  await expect.poll(() => keys(page)).toEqual(['ml_recommendations']);
  expect(page.url()).toContain('?q=owner:search,b2b+is:waiting');
  await page.reload();
  await expect.poll(() => keys(page)).toEqual(['ml_recommendations']);
  await page.getByRole('button', { name: /^All/ }).click();
  await expect.poll(async () => (await keys(page)).length).toBe(5);
  await page.getByRole('textbox', { name: 'Filter' }).fill('colour:red');
  await page.getByText('“colour:red” is no filter').waitFor();
});

test('a heading sorts, and sorts the other way', async () => {
  const { page } = await kit.open('/flags');
  await page.getByRole('button', { name: 'Flag', exact: true }).click();
  await expect.poll(async () => (await keys(page))[0]).toBe('banner');
  await page.getByRole('button', { name: /^Flag/ }).first().click();
  await expect.poll(async () => (await keys(page))[0]).toBe('waiting_room');
  expect(await page.locator('[aria-sort=descending]').count()).toBe(1);
});

test('hold, from the row, with a reason; then release', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByRole('button', { name: 'Hold v2_mentor_layer off for everyone' }).click();
  const dialog = page.getByRole('dialog', { name: 'Hold v2_mentor_layer off for everyone' });
  await dialog.getByRole('button', { name: 'Hold off' }).click();
  expect(kit.server().log.filter((line) => line.startsWith('POST /flags'))).toEqual([]);
  await dialog.getByLabel('Why?').fill('Mentors see an empty page');
  await page.keyboard.press('Enter');
  await page.getByText('Held by olaf 0\u202fs').waitFor();
  await dialog.waitFor({ state: 'detached' });
  expect(kit.server().log).toContain('POST /flags/v2_mentor_layer/hold');
  await page.getByRole('button', { name: 'Release v2_mentor_layer' }).click();
  await page.getByLabel('Why?').fill('Mended');
  await page.keyboard.press('Enter');
  await expect.poll(() => kit.server().find('v2_mentor_layer').mode).toBe('auto');
});

test('an acknowledgement is of the rollback that was on the page, not of a later one', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByRole('button', { name: /^Acknowledge the rollback of v2_framework_library/ }).click();
  await page.getByText('This acknowledges rollback 4.').waitFor();
  kit.server().change('v2_framework_library', { generation: 6 });
  await page.waitForTimeout(200);
  await page.getByLabel('Why?').fill('Fixed in 2.4.2');
  await page.keyboard.press('Enter');
  await page.getByRole('alert').getByText('was rolled back again since').waitFor();
  expect(kit.server().find('v2_framework_library').trip).toBe('off');
});

test('who may only look is offered nothing else', async () => {
  const { page } = await kit.open('/flags', 'viewer');
  await page.getByText('v2_framework_library').first().waitFor();
  expect(await page.getByRole('button', { name: /Hold|Acknowledge|Release|New flag/ }).count()).toBe(0);
  expect(await page.getByRole('checkbox').count()).toBe(0);
  expect(await page.getByText('New flag').count()).toBe(0);
});

test('by keyboard alone: move, hold, come back, open', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByText('v2_framework_library').first().waitFor();
  for (const key of ['j', 'j', 'j']) {
    await page.keyboard.press(key);
    await page.waitForTimeout(60);
  }
  const active = () => page.evaluate(() => document.activeElement?.textContent);
  await expect.poll(active).toBe('payments_sca');
  await page.keyboard.press('k');
  await expect.poll(active).toBe('ml_recommendations');
  await page.keyboard.press('h');
  await page.getByRole('dialog').waitFor();
  await page.keyboard.type('Too slow');
  await page.keyboard.press('Enter');
  await expect.poll(() => kit.server().find('ml_recommendations').mode).toBe('held');
  await expect.poll(active).toBe('ml_recommendations');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/flags/ml_recommendations');
  await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('main');
});

test('single-key shortcuts can be switched off', async () => {
  const { page } = await kit.open('/settings', 'operator');
  await page.getByLabel('Single-key shortcuts').uncheck();
  await page.getByRole('link', { name: 'Flags' }).first().click();
  await page.getByText('v2_framework_library').first().waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('?');
  await page.waitForTimeout(200);
  expect(await page.evaluate(() => document.activeElement?.tagName)).not.toBe('A');
  expect(await page.getByRole('dialog').count()).toBe(0);
});

test('a flag on a schedule is what it is at now, not what it was before', async () => {
  const { page } = await kit.open('/flags', 'operator');
  const row = page.getByRole('row', { name: /v2_mentor_layer/ });
  await row.getByText('of 10\u202f%').waitFor();
  const text = kit.server().text();
  const at = text.indexOf('v2_mentor_layer:');
  const scheduled = 'percentage: 0\n      schedule: [{ at: 2026-01-01T00:00:00Z, percentage: 0.2 }]';
  await kit.server().publish(text.slice(0, at) + text.slice(at).replace('percentage: 10', scheduled));
  await row.getByText('of 0.2\u202f%').waitFor();
  await row.getByText('Rolling out').waitFor({ timeout: 5000 });
  expect(await row.getByRole('button', { name: 'Hold v2_mentor_layer off for everyone' }).count()).toBe(1);
  await page.getByRole('textbox', { name: 'Filter' }).fill('share:>0 share:<1');
  await expect.poll(() => keys(page)).toEqual(['v2_mentor_layer']);
  await page.getByRole('textbox', { name: 'Filter' }).fill('is:off mentor');
  await expect.poll(() => keys(page)).toEqual([]);
});

test('several are held at once', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByLabel('Select team_baskets').check();
  await page.getByLabel('Select checkout_help').check();
  await page.getByRole('button', { name: 'Hold selected…' }).click();
  await page.getByLabel('Why?').fill('Checkout is down');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => ['team_baskets', 'checkout_help'].map((key) => kit.server().find(key).mode))
    .toEqual(['held', 'held']);
});

test('no window is too narrow for the list: columns are left out, and nothing stands outside', async () => {
  for (const width of [1440, 1366, 1280, 1024, 901, 768, 390]) {
    const { page } = await kit.open('/flags', 'publisher', { width });
    await page.getByRole('link', { name: 'checkout_v2' }).first().waitFor();
    const room = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(room, `at ${width}`).toBeLessThanOrEqual(0);
  }
});

test('a narrow window says how often the new way fails as well', async () => {
  const { page } = await kit.open('/flags', 'operator', { width: 390 });
  await page.getByText('fails in 6.14\u202f% · The framework library of 2.0').waitFor();
});
