/** A change over a real server: from the page into the file, with what others do meanwhile. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { FLCM } from '../server/kit/serve.ts';
import { file, publish, review, signingIn, start } from './kit/served.ts';

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

async function draft(page: Page, flag: string, percentage: string): Promise<void> {
  await page.getByRole('link', { name: flag, exact: true }).first().click();
  await page.getByRole('button', { name: percentage, exact: true }).click();
  await page.getByText(`draft ${percentage}\u202f%`).waitFor();
}

test('from 20 to 25 percent: blast radius, simulation, review, and one line of the file', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  await draft(page, 'new_search', '25');
  await page.locator('tr', { hasText: 'gain it' }).getByText('+5\u202f%').waitFor();
  await page.getByText('off after (half of the runs)').waitFor();
  await review(page);
  await page.getByText('1 line changed, 0 removed').waitFor();
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
  await publish(page);
  expect(file(server)).toBe(`${DOCUMENT}# The end.`);
  expect(faults).toEqual([]);
});

test('flags that may be in use are removed only by somebody who says so', async () => {
  const names = Array.from({ length: 12 }, (_, at) => `old_${at + 10}`);
  const all = DOCUMENT + names.map((name) => `  ${name}: { rollout: { percentage: 5 } }\n`).join('');
  const { server, keys } = await start(all);
  const { page } = await signIn(server, keys.publisher);
  await page.getByRole('link', { name: 'Text editor' }).click();
  await page.getByRole('textbox', { name: 'The document as text' }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.insertText(DOCUMENT);
  await page.getByText('changed', { exact: true }).waitFor();
  await review(page);
  await page.getByText('No errors').waitFor();
  await page.getByLabel('Why?').fill('Finished');
  const button = page.getByRole('button', { name: /^Publish to/ });
  await button.click();
  await page.getByText(/^The server keeps what may be in use: old_10, .*, old_19, and 2 more$/).waitFor();
  expect(await button.isDisabled()).toBe(true);
  expect(file(server)).toBe(all);
  await page.getByLabel(/Remove it all the same: old_10/).check();
  await button.click();
  await page.getByText('Published as revision').waitFor();
  expect(file(server)).toBe(DOCUMENT);
});

/** A file of contexts, with letters of two bytes. */
const users = (count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, at) => `{"targetingKey":"ü${at}"}\n`).join(''));

test('the users of a file are counted in the page, as the command line counts them', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await draft(page, 'new_search', '50');
  await review(page);
  await page.getByText('No errors').waitFor();
  const buffer = users(60_000);
  const before = asked.length;
  await page.getByLabel('Count the users of a file').setInputFiles({ name: 'users.jsonl', mimeType: '', buffer });
  await page.getByText('60\u202f000 users counted').waitFor();
  const [old, now, contexts] = ['old.yaml', 'new.yaml', 'users.jsonl'].map((name) => join(server.folder, name));
  writeFileSync(old as string, DOCUMENT);
  writeFileSync(now as string, DOCUMENT.replace('percentage: 20', 'percentage: 50'));
  writeFileSync(contexts as string, buffer);
  const args = ['diff', '--json', '--contexts', contexts, old, now] as string[];
  const { flags } = JSON.parse(execFileSync(FLCM, args, { encoding: 'utf8' }));
  const row = page.getByRole('table', { name: 'Counted' }).getByRole('row', { name: /new_search/ });
  const cells = (await row.getByRole('cell').allTextContents()).map((text) => Number(text.replaceAll(/\s/g, '')));
  const { gain, lose } = flags[0].contexts;
  expect(gain).toBeGreaterThan(15_000);
  expect(cells).toEqual([gain, lose, flags[0].contexts.switch + flags[0].contexts.value, flags[0].contexts.same]);
  expect(asked.slice(before).filter((url) => url.startsWith('http') && !/\.(js|wasm)$/.test(url))).toEqual([]);
  expect(faults).toEqual([]);
});

test('counting can be stopped, and a line that is no user is shown with its place', async () => {
  const { server, keys } = await start(DOCUMENT);
  const { page } = await signIn(server, keys.publisher);
  await draft(page, 'new_search', '50');
  await review(page);
  await page.getByText('No errors').waitFor();
  const field = page.getByLabel('Count the users of a file');
  await field.setInputFiles({ name: 'bad.jsonl', mimeType: '', buffer: Buffer.from('{"targetingKey":"a"}\nnobody') });
  await page.getByText('1 user counted').waitFor();
  await page.getByText(/^line 2: /).waitFor();
  // A file that never ends.
  await page.evaluate(() => {
    Blob.prototype.stream = () =>
      new ReadableStream({ start: (all) => all.enqueue(new TextEncoder().encode('{"targetingKey":"a"}\n')) });
  });
  const ended = page.waitForEvent('worker').then((worker) => worker.waitForEvent('close'));
  await field.setInputFiles({ name: 'endless.jsonl', mimeType: '', buffer: users(100) });
  await page.getByRole('progressbar', { name: 'Counting' }).waitFor();
  await page.getByRole('table', { name: 'Counted' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await page.getByText(/^Stopped\. 1 user counted/).waitFor();
  await ended;
  expect(await page.getByRole('progressbar').count()).toBe(0);
});
