/** The stream: one for all tabs, and a page that says when it is not live. */

import { expect, test } from 'vitest';
import { dashboard } from './kit/dashboard.ts';

const kit = dashboard();

test('two tabs share one stream, and the second goes on when the first is closed', async () => {
  const { page, context } = await kit.open('/flags');
  await page.getByText('● live').waitFor();
  const second = await context.newPage();
  await second.goto(`${kit.server().url}/ui/flags`);
  await second.getByText('● live').waitFor();
  expect(kit.server().streams()).toBe(1);
  kit.server().change('search_v2', { trip: 'off', state: 'open', next: 'acknowledge', since: Date.now() });
  await second.getByText('4 flags wait for a person').waitFor();
  await page.close();
  await expect.poll(() => kit.server().streams(), { timeout: 10_000 }).toBe(1);
  kit.server().change('v2_mentor_layer', { trip: 'off', state: 'open', next: 'acknowledge', since: Date.now() });
  await second.getByText('5 flags wait for a person').waitFor();
});

/** What was changed while no tab had a stream; nothing comes of it by the stream. */
function changeUnseen(): void {
  const changes = { trip: 'off', state: 'open', next: 'acknowledge', since: Date.now() };
  Object.assign(kit.server().find('invoice_pdf_v2'), changes);
}

test('what changed while the tab with the stream was closed is there in the tab that goes on', async () => {
  const { page, context } = await kit.open('/flags');
  await page.getByText('● live').waitFor();
  const second = await context.newPage();
  await second.goto(`${kit.server().url}/ui/flags`);
  await second.getByText('3 flags wait for a person').waitFor();
  await second.getByText('● live').waitFor();
  changeUnseen();
  await page.close();
  await second.getByText('4 flags wait for a person').waitFor({ timeout: 10_000 });
});

test('a tab that was hidden, where tabs cannot share a stream, has what changed meanwhile', async () => {
  const { page, context } = await kit.open('/flags');
  await context.addInitScript(() => Object.defineProperty(navigator, 'locks', { value: undefined }));
  await page.reload();
  await page.getByText('● live').waitFor();
  const hide = (hidden: boolean) =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'hidden', { value, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }, hidden);
  await hide(true);
  await expect.poll(() => kit.server().streams()).toBe(0);
  changeUnseen();
  await hide(false);
  await page.getByText('4 flags wait for a person').waitFor({ timeout: 10_000 });
});

test('a new tab is not live while the tab with the stream has lost it', async () => {
  const { page, context } = await kit.open('/flags');
  await page.getByText('● live').waitFor();
  kit.server().refuseStreams(true);
  kit.server().cut();
  await page.getByText('○ not live').waitFor();
  // Each attempt is later than the one before, so there is time until the next.
  const attempts = () => kit.server().log.filter((line) => line === 'GET /events').length;
  await expect.poll(attempts, { timeout: 20_000 }).toBeGreaterThan(5);
  const second = await context.newPage();
  await second.goto(`${kit.server().url}/ui/flags`);
  const state = second.getByText('● live').or(second.getByText('○ not live'));
  await state.waitFor();
  expect(await state.textContent()).toContain('not live');
  kit.server().refuseStreams(false);
  await second.getByText('● live').waitFor({ timeout: 30_000 });
});

test('a lost stream is shown, with the time of what is shown, until it is back', async () => {
  const { page } = await kit.open('/flags');
  await page.getByText('● live').waitFor();
  kit.server().refuseStreams(true);
  kit.server().cut();
  await page.getByText('○ not live').waitFor();
  await page
    .getByText(/The stream is lost since \d+.s\. What you see is as of \d\d:\d\d:\d\d\./)
    .waitFor({ timeout: 10_000 });
  // What happened meanwhile is there as soon as the stream is, also to a flag of which nothing comes by the stream.
  changeUnseen();
  kit.server().refuseStreams(false);
  await page.getByText('● live').waitFor({ timeout: 30_000 });
  await page.getByText('4 flags wait for a person').waitFor();
  expect(await page.getByText('The stream is lost').count()).toBe(0);
});

test('a server that cannot store anything says so', async () => {
  const { page } = await kit.open('/flags');
  await page.getByText('● live').waitFor();
  kit.server().state.stored = false;
  await kit.server().publish(kit.server().text());
  await page.getByText('Not stored: the server cannot write to its disk.').waitFor();
});
