// The pictures of the guides, over the development server: `just pictures` writes them into docs/pictures.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from '../../tests/kit/browser.js';
import { withPalette } from './palette.js';
import { startDev } from './server.js';

const folder = fileURLToPath(new URL('../../docs/pictures', import.meta.url));
const FLAG = '/flags/checkout_v2';

/** Raises the percentage, as the slider does it. */
async function draft(page) {
  await page.getByRole('button', { name: '25', exact: true }).click();
  await page.getByText('+17\u202f%').waitFor();
  await page.getByText('failed calls until then').waitFor();
  await page.getByText('simulating…').waitFor({ state: 'detached' });
}

async function review(page) {
  await draft(page);
  await page.getByRole('link', { name: 'Review change…' }).click();
  await page.getByText('No errors').waitFor();
  await page.getByRole('cell', { name: '…' }).first().waitFor({ state: 'detached' });
}

async function hold(page) {
  await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
  await page.getByLabel('Why?').fill('Wrong prices since 14:31');
}

async function incident(page) {
  await page.getByRole('link', { name: /^91 of/ }).click();
  await page.getByText(/^It failed more often than/).waitFor();
}

/** Puts a heading at the top of the window. */
const scrollTo = (name) => async (page) => {
  await page.getByRole('heading', { name }).evaluate((heading) => heading.scrollIntoView());
  await page.mouse.wheel(0, -16);
};

const pictures = [
  { name: 'flags', path: '/flags', width: 1440, height: 800 },
  { name: 'flag', path: FLAG, width: 1440, height: 1060, act: draft, top: true },
  { name: 'raise', path: FLAG, height: 520, act: draft, show: scrollTo('Who gets it') },
  { name: 'review', path: FLAG, height: 900, act: review, top: true },
  { name: 'hold', path: FLAG, height: 620, act: hold, role: 'operator' },
  { name: 'rollback', path: '/flags/v2_framework_library', height: 620, act: incident, role: 'operator', top: true },
  { name: 'why', path: '/why?flag=checkout_v2&user=alice', height: 460 },
  { name: 'settings', path: '/settings', height: 760, role: 'admin' },
];

async function take(browser, { name, path, width = 1240, height, act, show, top, role = 'publisher' }) {
  const server = await startDev();
  const context = await browser.newContext({ viewport: { width, height }, baseURL: server.url });
  await context.request.post('/session', { data: { key: `flcm_${role}` } });
  const page = await context.newPage();
  await page.goto(`/ui${path}`);
  await page.getByText('● live').waitFor();
  await act?.(page);
  if (top) await page.evaluate(() => window.scrollTo(0, 0));
  await show?.(page);
  // Charts are drawn after their data has come.
  await page.waitForTimeout(1500);
  const png = withPalette(await page.screenshot());
  writeFileSync(join(folder, `${name}.png`), png);
  console.log(`${name}.png: ${png.length} bytes`);
  await context.close();
  await server.close();
}

mkdirSync(folder, { recursive: true });
const browser = await launch();
try {
  for (const picture of pictures) await take(browser, picture);
} finally {
  await browser.close();
}
