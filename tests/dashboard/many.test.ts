/** Ten thousand flags: only what is in the window is in the page. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const COUNT = 10_214;
const kit = dashboard({ flags: COUNT });

test('few rows are in the page, and the last one can be reached', async () => {
  const { page } = await kit.open('/flags');
  await page.getByText('10\u202f214 · ').waitFor();
  const rows = page.locator('.flags .body [role=row]');
  expect(await rows.count()).toBeLessThan(60);
  expect(await page.getByRole('table').getAttribute('aria-rowcount')).toBe(String(COUNT + 1));
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.locator(`[aria-rowindex="${COUNT + 1}"]`).waitFor();
  expect(await rows.count()).toBeLessThan(60);
});

test('a word finds one of them', async () => {
  const { page } = await kit.open('/flags');
  await page.getByRole('textbox', { name: 'Filter' }).fill('feature_07777');
  await page.getByText('Feature 7777 of the catalogue').waitFor();
  await page.getByRole('combobox').fill('feature_0123');
  expect(await page.getByRole('option').count()).toBe(9);
});
