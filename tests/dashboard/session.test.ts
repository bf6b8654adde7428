/** Signing in and out: the key is sent once, and is nowhere afterwards. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();

test('with a key, and not with a wrong one', async () => {
  const { page, context, faults } = await kit.open('/flags/checkout_v2', null);
  await page.getByLabel('Your key').fill('flcm_wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('no key like this is known').waitFor();
  await page.getByLabel('Your key').fill('flcm_publisher');
  await page.keyboard.press('Enter');
  await page.getByText('anna · publisher').waitFor();
  // The page that was asked for.
  await page.getByRole('heading', { name: 'checkout_v2' }).waitFor();
  const kept = await page.evaluate(() =>
    JSON.stringify([
      { ...localStorage },
      { ...sessionStorage },
      document.cookie,
      location.href,
      document.documentElement.outerHTML,
    ]),
  );
  expect(kept).not.toContain('flcm_publisher');
  expect(kit.server().log.join('\n')).not.toContain('flcm_publisher');
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  expect(faults).toEqual([]);
});

test('signing out', async () => {
  const { page } = await kit.open('/flags');
  await page.getByText('anna · publisher').click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Your key').waitFor();
  await page.reload();
  await page.getByLabel('Your key').waitFor();
});

test('a session that has ended asks for the key again, and the draft stays', async () => {
  const { page } = await kit.open('/flags/checkout_v2');
  await page.getByRole('button', { name: '25', exact: true }).click();
  kit.server().forget();
  kit.server().cut();
  await page.getByText('Your session has ended.').waitFor({ timeout: 20_000 });
  await page.getByLabel('Your key').fill('flcm_publisher');
  await page.keyboard.press('Enter');
  await page.getByText('draft 25\u202f%').waitFor();
});

test('ids and attributes of users are in no address and in no storage, and reach no server', async () => {
  const { page } = await kit.open('/flags');
  await page.getByRole('combobox').fill('alice@example.com');
  await page.getByText('Why does alice@example.com get').click();
  await page.getByLabel('Flag', { exact: true }).fill('checkout_layout');
  await page.getByLabel('Attributes').fill('country = Atlantis');
  await page.getByText('alice@example.com gets').waitFor();
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, location.href]));
  for (const secret of ['alice', 'Atlantis']) {
    expect(kept).not.toContain(secret);
    expect(kit.server().log.join('\n')).not.toContain(secret);
  }
});
