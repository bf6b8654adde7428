/** A flag that nothing switches off by itself, and whose new way fails far more than the old way. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();
const FAILING = { unprotected: true, threshold: false, fails: [0.24, 0.0053], state: null, evidence: 0 };

test('it is listed among what needs a person, and counted there', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByText('3 flags wait for a person').waitFor();
  kit.server().change('team_baskets', FAILING);
  await page.reload();
  const waiting = page.getByRole('region', { name: '4 flags wait for a person' });
  await waiting.waitFor({ timeout: 5000 });
  await page.getByRole('button', { name: 'Needs a person 4' }).click();
  await waiting.getByText('Fails 24\u202f%, old way 0.53\u202f%: nothing stops it').waitFor({ timeout: 5000 });
  const rows = page.locator('.flags .body [role=row]');
  await rows.filter({ hasText: 'team_baskets' }).getByText('Nothing stops it').waitFor();
  expect(await rows.count()).toBe(4);
});

test('what the server does not call unprotected is no alarm, however it fails', async () => {
  const { page } = await kit.open('/flags', 'operator');
  await page.getByText('3 flags wait for a person').waitFor();
  kit.server().change('team_baskets', { ...FAILING, unprotected: false });
  await page.reload();
  await page.getByText('3 flags wait for a person').waitFor();
  expect(await page.getByText('nothing stops it').count()).toBe(0);
});

test('its page says so, holds it, and adds an error threshold', async () => {
  const { page } = await kit.open('/flags/team_baskets', 'publisher');
  await page.getByRole('heading', { name: 'team_baskets' }).waitFor();
  kit.server().change('team_baskets', FAILING);
  await page.reload();
  const banner = page.getByRole('region', { name: 'It fails 45 times as often as the old way.' });
  await banner.getByText('Nothing switches it off by itself.').waitFor({ timeout: 5000 });
  await banner.getByRole('link', { name: 'Add an error threshold…' }).click();
  await page.getByRole('dialog', { name: /Error threshold/ }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await banner.getByRole('button', { name: 'Hold off for everyone…' }).click();
  await page.getByRole('dialog', { name: 'Hold team_baskets off for everyone' }).waitFor();
});
