/** A flag that is off for everyone: each place that shows it says so, and offers the way back. */

import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();

async function hold(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
  await page.getByLabel('Why?').fill('24 % of mentors see an empty page.');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
}

test('the page of a held flag says that it is off, who held it and why, and releases it', async () => {
  const { page } = await kit.open('/flags/v2_mentor_layer', 'operator');
  await hold(page);
  const banner = page.getByRole('region', { name: /^Off for everyone since \d\d:\d\d\.$/ });
  await banner.getByText('Held by olaf: 24 % of mentors see an empty page.').waitFor();
  await banner.getByText('on 14 of 14 hosts').waitFor();
  const who = page.getByRole('region', { name: 'Who gets it' });
  await who.getByText('Nobody now: it is held off. Released, the first 10\u202f% get it.').waitFor();
  await who.getByText('switched on in the document').waitFor();
  await who.getByText('now 0\u202f%').waitFor();
  await page.getByRole('region', { name: /^Decided, last 5.min/ }).waitFor();
  await banner.getByRole('button', { name: 'Release…' }).click();
  await page.getByLabel('Why?').fill('Mended');
  await page.keyboard.press('Enter');
  await banner.waitFor({ state: 'detached' });
  await who.getByText('A user gets the new way when their id falls into the first 10\u202f%.').waitFor();
});

test('the page of a flag that was rolled back says so, and why', async () => {
  const { page } = await kit.open('/flags/v2_framework_library', 'operator');
  const banner = page.getByRole('region', { name: /^Off for everyone since/ });
  await banner.getByText('Rolled back. It failed more often than the old way.').waitFor();
  await page.getByText('Nobody now: it is rolled back. After that, the first 25\u202f% get it.').waitFor();
  await banner.getByRole('button', { name: 'Acknowledge…' }).waitFor();
});

test('h holds the flag of the page, and offers nothing for one that is held', async () => {
  const { page } = await kit.open('/flags/v2_mentor_layer', 'operator');
  await page.getByRole('heading', { name: 'v2_mentor_layer' }).waitFor();
  await page.keyboard.press('h');
  await page.getByRole('dialog', { name: 'Hold v2_mentor_layer off for everyone' }).waitFor({ timeout: 5000 });
  await page.keyboard.press('Escape');
  await hold(page);
  await page.getByRole('region', { name: /^Off for everyone/ }).waitFor({ timeout: 5000 });
  await page.keyboard.press('h');
  await page.waitForTimeout(200);
  expect(await page.getByRole('dialog').count()).toBe(0);
  await page.goto(page.url().replace('/v2_mentor_layer', ''));
  await page.locator('.flags .body').getByRole('link', { name: 'v2_mentor_layer' }).focus();
  await page.keyboard.press('h');
  await page.waitForTimeout(200);
  expect(await page.getByRole('dialog').count()).toBe(0);
});

test('a key works from the moment the page of a flag shows its name', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByText('v2_mentor_layer').first().waitFor();
  await page.evaluate(() => {
    const observer = new MutationObserver(() => {
      if (document.querySelector('h1')?.textContent !== 'v2_mentor_layer') return;
      observer.disconnect();
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'h', bubbles: true }));
    });
    observer.observe(document, { childList: true, subtree: true });
  });
  await page.locator('.flags .body').getByRole('link', { name: 'v2_mentor_layer' }).click();
  await page.getByRole('dialog', { name: 'Hold v2_mentor_layer off for everyone' }).waitFor({ timeout: 5000 });
});

test('the list says that a held flag serves nobody, whatever was counted before, and finds what is held', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByText('v2_mentor_layer').first().waitFor();
  kit.server().change('v2_mentor_layer', { mode: 'held', trip: 'off', next: 'release', served: 9.6, by: 'olaf' });
  const row = page.locator('.flags .body [role=row]').filter({ hasText: 'v2_mentor_layer' });
  await row.getByText('0 (held; 10\u202f% when released)').waitFor({ timeout: 5000 });
  expect(await row.getByText('9.6').count()).toBe(0);
  await page.setViewportSize({ width: 390, height: 800 });
  await row.getByText('0 (held; 10\u202f% when released)').locator('visible=true').waitFor({ timeout: 5000 });
  await page.getByRole('button', { name: 'Held 2' }).click();
  await expect.poll(() => page.locator('.flags .body [role=row]').count()).toBe(2);
});

test('Why? answers with what is held now, and with what comes after', async () => {
  const { page } = await kit.open('/flags/v2_mentor_layer', 'operator');
  await hold(page);
  await page.getByRole('link', { name: 'Why?' }).last().click();
  await page.getByRole('textbox', { name: 'User id' }).fill('u43');
  await page.getByLabel('Attributes').fill('email = u43@example.com');
  const answer = page.getByRole('region', { name: 'u43 gets off' });
  await answer.getByText(/held off by olaf since \d\d:\d\d/).waitFor({ timeout: 10_000 });
  await answer.getByText('If released: on, matched a rule or a cohort').waitFor();
  await page.goto(`${page.url().split('?')[0]}?flag=v2_framework_library`);
  await page.getByLabel('Attributes').fill('email = u43@example.com');
  const other = page.getByRole('region', { name: 'Somebody without an id gets off' });
  await other.getByText(/rolled back since/).waitFor();
  await other.getByText('If it goes on: on, matched a rule or a cohort').waitFor();
});

test('who may hold but not publish reads so before trying a change, and how to stop it now', async () => {
  const { page } = await kit.open('/flags/v2_mentor_layer', 'operator');
  const who = page.getByRole('region', { name: 'Who gets it' });
  const note = who.getByText('You can try changes here; only publishers and admins can publish. To stop it now:');
  await note.waitFor({ timeout: 5000 });
  const slider = await who.getByRole('slider').boundingBox();
  expect((await note.boundingBox())?.y).toBeLessThan(slider?.y ?? 0);
  await note.getByRole('button', { name: 'Hold off for everyone…' }).click();
  await page.getByRole('dialog', { name: 'Hold v2_mentor_layer off for everyone' }).waitFor();
});
