/** Ten thousand flags: only what is in the window is in the page. */

import { expect, test } from 'vitest';
import { traceList } from '../../dashboard/dev/trace.js';
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

const DATA = ['/meta', '/overview', '/overview/live', '/session'];

/** Counts of a trace. Its times depend on the machine: `node dashboard/dev/trace.js` prints them. */
test('the list is there after one turn of requests, and few rows are in the page while one scrolls', async () => {
  const { page } = await kit.open('/flags');
  await page.close();
  const { rows, scrollRows, requests } = await traceList({ url: kit.server().url, key: 'flcm_publisher' });
  const data = requests.filter(({ path }) => !path.startsWith('/ui/'));
  expect(data.map(({ path }) => path).sort()).toEqual(DATA);
  expect(requests.length).toBeLessThan(12);
  // They are asked for before the script runs that needs them.
  const script = Math.max(...requests.filter(({ path }) => path.endsWith('.js')).map(({ endMs }) => endMs));
  expect(data.filter(({ startMs }) => startMs > script)).toEqual([]);
  expect(rows).toBeLessThan(40);
  expect(scrollRows).toBeLessThan(40);
});
