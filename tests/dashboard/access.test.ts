/** Every page is for everybody: axe finds nothing, light and dark, wide and narrow, and the policy refuses nothing. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds, as lines that say where. */
async function violations(page: Page): Promise<string[]> {
  // A script in the page would be refused; the debugger's are not.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
    );
  });
}

const LOOKS = [
  { colorScheme: 'light', width: 1440, height: 960 },
  { colorScheme: 'dark', width: 1440, height: 960 },
  { colorScheme: 'light', width: 390, height: 844 },
  { colorScheme: 'dark', width: 390, height: 844 },
] as const;

/** Checks a page that is open in each look: to open it again for each would take most of the time. */
async function inEachLook(page: Page, check: (look: string) => Promise<void> = async () => {}): Promise<void> {
  for (const { colorScheme, width, height } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    // Colours and boxes change over a moment.
    await page.waitForTimeout(300);
    const look = `${colorScheme}, ${width}`;
    expect(await violations(page), look).toEqual([]);
    await check(look);
  }
}

/** Each page, and what it shows once it is ready. */
const PAGES: Readonly<Record<string, string>> = {
  '/flags': 'v2_framework_library',
  '/flags/checkout_v2': 'Blast radius',
  '/flags/v2_framework_library': 'It was rolled back.',
  '/why?flag=checkout_layout': 'Somebody without an id gets',
  '/cohorts': 'beta_testers',
  '/hosts': 'shop-7',
  '/history?to=28831204': 'gain it',
  '/audit': 'Bank reports double charges',
  '/text': 'line 77',
  '/settings': 'Theme',
  '/review': 'There is no draft.',
  '/nowhere': 'There is no such page.',
};

/** Each form, where it is, and what opens it. */
const FORMS: Readonly<Record<string, readonly [path: string, button: string]>> = {
  Conditions: ['/flags/checkout_v2', 'Edit: Conditions'],
  Rules: ['/flags/invoice_pdf_v2', 'Edit: Rules'],
  Cohorts: ['/flags/v2_mentor_layer', 'Edit: Cohorts'],
  Variants: ['/flags/checkout_layout', 'Edit: Variants'],
  'Error threshold': ['/flags/checkout_v2', 'Edit: Error threshold'],
  Schedule: ['/flags/checkout_v2', 'Edit: Schedule'],
  'New flag': ['/flags', 'New flag'],
  'New cohort': ['/cohorts', 'New cohort'],
  insiders: ['/cohorts', 'Edit: insiders'],
};

const kit = dashboard();

test.each(Object.entries(PAGES))('%s', async (path, text) => {
  const { page, faults } = await kit.open(path, 'admin');
  await page.getByText(text).first().waitFor({ timeout: 30_000 });
  await inEachLook(page, async (look) => {
    const overflow = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${look}: pixels that stick out at the side`).toBeLessThanOrEqual(0);
  });
  expect(faults).toEqual([]);
});

test.each(Object.entries(FORMS))('the form of %s', async (title, [path, button]) => {
  const { page, faults } = await kit.open(path, 'publisher');
  await page.getByRole('button', { name: button }).click({ timeout: 30_000 });
  await page.getByRole('dialog', { name: title }).getByRole('button', { name: 'Cancel' }).waitFor();
  await inEachLook(page, async (look) => {
    const [inside, left] = await page
      .getByRole('dialog')
      .evaluate((dialog: HTMLElement) => [
        dialog.scrollWidth - dialog.clientWidth,
        window.innerWidth - dialog.offsetWidth,
      ]);
    expect(inside, `${look}: pixels that stick out of the dialog`).toBeLessThanOrEqual(0);
    expect(left, `${look}: pixels that the window leaves`).toBeGreaterThanOrEqual(0);
  });
  expect(faults).toEqual([]);
});

test('the sign-in', async () => {
  const { page, faults } = await kit.open('/flags', null);
  await page.getByLabel('Your key').waitFor();
  await inEachLook(page);
  expect(faults).toEqual([]);
});

test('a dialog, and Review with a draft', async () => {
  const { page, faults } = await kit.open('/flags/checkout_v2', 'publisher');
  await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
  await inEachLook(page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: '25', exact: true }).click();
  await page.getByRole('link', { name: 'Review change…' }).click();
  await page.getByText('No errors').waitFor({ timeout: 30_000 });
  await inEachLook(page);
  expect(faults).toEqual([]);
});
