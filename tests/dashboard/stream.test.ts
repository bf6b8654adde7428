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
  Object.assign(kit.server().find('invoice_pdf_v2'), {
    trip: 'off',
    state: 'open',
    next: 'acknowledge',
    since: Date.now(),
  });
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
