/** The page of a flag: a sentence, a chart and a table that say the same, and what happened. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();

test('whether it does harm, as a sentence, a chart and a table', async () => {
  const { page } = await kit.open('/flags/checkout_v2');
  await page.getByText(/The new way fails \d\.\d times as often as the old way\./).waitFor();
  await page.getByText('Evidence is at 41\u202f% of a rollback.').waitFor();
  const chart = page.getByRole('img', { name: /^Last 30 min\. The new way fails/ });
  await chart.waitFor();
  expect(await chart.locator('canvas').count()).toBe(2);
  await page.getByRole('button', { name: 'Table', exact: true }).click();
  const table = page.getByRole('region', { name: 'Table' });
  expect(await table.getByRole('row').count()).toBeGreaterThan(20);
  expect(await page.locator('canvas').count()).toBe(0);
  await page.getByRole('button', { name: '7 d' }).click();
  await page.waitForURL('**?range=days');
});

test('a flag that nobody asks for says so', async () => {
  const { page } = await kit.open('/flags/onboarding_tour');
  await page.getByText('No host asks for it').first().waitFor();
  await page.getByText('No outcomes in this time.').waitFor();
  await page.getByText('No host has asked for it in 7 days.', { exact: true }).waitFor();
});

test('a flag without a threshold is unprotected, and says so', async () => {
  const { page } = await kit.open('/flags/legacy_search');
  await page.getByText('nothing rolls it back by itself').waitFor();
  expect(await page.getByRole('button', { name: 'Observe…' }).count()).toBe(0);
});

test('a rollback is on the page at once, and its curve a click away', async () => {
  const { page } = await kit.open('/flags/checkout_v2', 'operator');
  await page.getByText('Evidence rises: 41').waitFor();
  kit.server().change('checkout_v2', {
    trip: 'off',
    state: 'open',
    next: 'acknowledge',
    cause: 'relative',
    since: Date.now(),
    served: 0,
    evidence: 1,
  });
  await page.getByText('Rolled back 0').waitFor({ timeout: 2000 });
  await page.getByRole('button', { name: 'Acknowledge…' }).waitFor();
  await page.goto(page.url().replace('checkout_v2', 'v2_framework_library'));
  await page.getByRole('link', { name: '91 of 1\u202f492 against 1.18\u202f%' }).click();
  await page.getByText('It failed more often than the old way (').waitFor();
  await page.getByText('It stays so until somebody acknowledges it.').waitFor();
});

test('what it depends on leads there', async () => {
  const { page } = await kit.open('/flags/checkout_layout');
  await page.getByText('A rollback takes this one along.').waitFor();
  await page.locator('.graph').getByRole('link', { name: 'checkout_v2' }).click();
  await page.getByText('A rollback takes these 3 along.').waitFor();
});

test('how the calls of each variant went', async () => {
  const { page } = await kit.open('/flags/checkout_layout');
  const wizard = page.getByRole('row', { name: /^wizard/ });
  await wizard.getByText(/^2\.40\u202f% of /).waitFor();
  await wizard.getByText('540 ms').waitFor();
  expect(await wizard.getByRole('cell').nth(2).textContent()).toBe('347');
});

test('a key that is no flag', async () => {
  const { page } = await kit.open('/flags/no_such_flag');
  await page.getByText('There is no flag no_such_flag in this revision.').waitFor();
});
