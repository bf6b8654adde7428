/** A change over a real server: from the page into the file, with what others do meanwhile. */

import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Server } from '../server/kit/serve.ts';
import { signingIn, start } from './kit/served.ts';

const DOCUMENT = `# Flags of the shop.
cohorts:
  # Colleagues who try everything first.
  beta_testers: { users: [alice, bob, carol] }

flags:
  new_search:
    description: Search by the new index
    rollout: { percentage: 20 } # agreed with search
    error_threshold: { rate: 0.05 }

  new_baskets:
    description: Baskets of the new kind
    rollout:
      percentage: 10
      cohorts: [{ beta_testers: true }]
`;

const signIn = signingIn();
const file = (server: Server): string => readFileSync(server.document, 'utf8');

async function draft(page: Page, flag: string, percentage: string): Promise<void> {
  await page.getByRole('link', { name: flag, exact: true }).first().click();
  await page.getByRole('button', { name: percentage, exact: true }).click();
  await page.getByText(`draft ${percentage}\u202f%`).waitFor();
}

const review = (page: Page) => page.getByRole('link', { name: 'Review change…' }).click();

async function publish(page: Page): Promise<void> {
  await page.getByLabel('Why?').fill('Agreed');
  await page.getByRole('button', { name: /^Publish to/ }).click();
  await page.getByText('Published as revision').waitFor();
}

test('from 20 to 25 percent: blast radius, simulation, review, and one line of the file', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  await draft(page, 'new_search', '25');
  await page.locator('tr', { hasText: 'gain it' }).getByText('+5\u202f%').waitFor();
  await page.getByText('off after (half of the runs)').waitFor();
  await review(page);
  await page.getByText('1 line changed, 0 removed').waitFor();
  await page.getByText('No errors').waitFor();
  await publish(page);
  expect(file(server)).toBe(DOCUMENT.replace('percentage: 20', 'percentage: 25'));
  expect(faults).toEqual([]);
});

test('the file is edited elsewhere: the draft moves on, and both are in the file', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page } = await signIn(server, keys.publisher);
  await draft(page, 'new_search', '25');
  await review(page);
  await page.getByText('Nobody else').waitFor();
  const theirs = DOCUMENT.replace('percentage: 10', 'percentage: 15');
  server.edit(theirs);
  await page.getByText('Put on top of revision').waitFor({ timeout: 10_000 });
  await page.getByText('No errors').waitFor();
  await publish(page);
  expect(file(server)).toBe(theirs.replace('percentage: 20', 'percentage: 25'));
});

test('two people change the same percentage: the second sees both, and chooses', async () => {
  const { server, keys } = await start(DOCUMENT);
  const [anna, jo] = [await signIn(server, keys.publisher), await signIn(server, keys.publisher)];
  await draft(anna.page, 'new_search', '25');
  await draft(jo.page, 'new_search', '50');
  await review(anna.page);
  await review(jo.page);
  await jo.page.getByText('Nobody else').waitFor();
  await publish(anna.page);
  await jo.page.getByText('theirs: 25\u202f% · yours: 50\u202f%').waitFor();
  await jo.page.getByRole('button', { name: 'Keep mine' }).click();
  await publish(jo.page);
  expect(file(server)).toBe(DOCUMENT.replace('percentage: 20', 'percentage: 50'));
});

test('cohorts are what the document says', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page } = await signIn(server, keys.viewer);
  await page.getByRole('link', { name: 'Cohorts' }).click();
  const row = page.getByRole('row', { name: /beta_testers/ });
  await row.getByText('3 users').waitFor();
  await row.getByRole('link', { name: 'new_baskets' }).waitFor();
});

test('the text editor: a draft of the whole text, published', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  await page.getByRole('link', { name: 'Text editor' }).click();
  await page.getByRole('textbox', { name: 'The document as text' }).click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('# The end.');
  await page.getByText('changed', { exact: true }).waitFor();
  await page.getByText('No problems').waitFor();
  await review(page);
  await page.getByText('No errors').waitFor();
  await publish(page);
  expect(file(server)).toBe(`${DOCUMENT}# The end.`);
  expect(faults).toEqual([]);
});
