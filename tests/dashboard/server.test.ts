/** The dashboard over a real server: signing in, the role of a key, commands and publishing, a restart. */

import { expect, test } from 'vitest';
import { type Served, start as serve, signingIn } from './kit/served.ts';

const DOCUMENT = `flags:
  new_search:
    description: Search by the new index
    rollout: { percentage: 20 } # agreed with search
    error_threshold: { rate: 0.05 }
  plain_banner: { rollout: { percentage: 100 } }
`;

const signIn = signingIn();
const start = (): Promise<Served> => serve(DOCUMENT);

test('an operator holds and releases, and the audit says who and why', async () => {
  const { server, keys } = await start();
  const { page, faults } = await signIn(server, keys.operator);
  await page.getByText('olaf · operator').waitFor();
  await page.getByText('● live').waitFor();
  await page.getByRole('link', { name: 'new_search' }).click();
  await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
  await page.getByLabel('Why?').fill('Results are empty');
  await page.keyboard.press('Enter');
  await page.getByText(/Held by olaf \d/).waitFor();
  await page.getByText('Held by olaf: Results are empty').waitFor();
  await page.getByText('Nobody now: it is held off. Released, the first 20\u202f% get it.').waitFor();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText('Results are empty').first().waitFor();
  await page.getByRole('link', { name: 'new_search' }).first().click();
  await page.getByRole('button', { name: 'Release…' }).click();
  await page.getByLabel('Why?').fill('Mended');
  await page.keyboard.press('Enter');
  await page.getByText(/Held by olaf \d/).waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
});

test('a flag without a threshold is held as well: the page says who did so, and shows no evidence', async () => {
  const { server, keys } = await start();
  const { page } = await signIn(server, keys.operator);
  const row = page.getByRole('row', { name: /plain_banner/ });
  await row.getByText('no threshold').waitFor();
  await row.getByRole('link', { name: 'plain_banner' }).click();
  await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
  await page.getByLabel('Why?').fill('Wrong text');
  await page.keyboard.press('Enter');
  await page.getByText(/Held by olaf \d/).waitFor();
  const happened = page.getByRole('table').filter({ hasText: 'Wrong text' });
  await happened.getByText('Held', { exact: true }).waitFor();
  await happened.getByText('by olaf').waitFor();
});

test('who may only look is offered nothing, and refused', async () => {
  const { server, keys } = await start();
  const { page } = await signIn(server, keys.viewer);
  await page.getByText('vera · viewer').waitFor();
  expect(await page.getByRole('button', { name: /Hold|New flag/ }).count()).toBe(0);
  const status = await page.evaluate(async () => {
    const body = JSON.stringify({ reason: 'none' });
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/flags/new_search/hold', { method: 'POST', headers, body })).status;
  });
  expect(status).toBe(403);
});

test('a revision is on the page as soon as it is published, and brought back from there', async () => {
  const { server, keys } = await start();
  const { page, faults } = await signIn(server, keys.publisher);
  await page.getByText('of 20\u202f%').locator('visible=true').first().waitFor();
  server.edit(DOCUMENT.replace('percentage: 20', 'percentage: 60'));
  await page.getByText('of 60\u202f%').locator('visible=true').first().waitFor({ timeout: 10_000 });
  await page.getByRole('link', { name: 'History' }).click();
  await page.getByRole('button', { name: 'Compare' }).first().click();
  await page.getByText('40\u202f% gain it').waitFor();
  await page.getByRole('button', { name: 'Bring back…' }).click();
  await page.getByRole('dialog').getByText('40\u202f% lose it').waitFor();
  await page.getByLabel('Why?').fill('Too early');
  await page.keyboard.press('Enter');
  await page.getByText(/^Brought back: revision/).waitFor();
  await page.getByRole('link', { name: 'Flags' }).first().click();
  await page.getByText('of 20\u202f%').locator('visible=true').first().waitFor();
  expect(faults).toEqual([]);
});

test('a restart signs nobody out, and the page is live again by itself', async () => {
  const { server, keys } = await start();
  const { page } = await signIn(server, keys.operator);
  await page.getByText('● live').waitFor();
  await server.stop();
  await page.getByText('○ not live').waitFor();
  await server.start();
  await page.getByText('● live').waitFor({ timeout: 60_000 });
  await page.getByText('olaf · operator').waitFor();
});
