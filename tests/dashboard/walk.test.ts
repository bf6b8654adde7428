/** Two ways through the dashboard, over a real server and two services with users: a rollout, and a rollback. */

import { expect, test } from 'vitest';
import { signingIn } from './kit/served.ts';
import { FLAG, Shop } from './kit/shop.ts';
import { Steps } from './kit/steps.ts';

const signIn = signingIn();

test('a product manager raises a flag from 10 to 25 percent, and takes it back', async () => {
  const shop = await Shop.open();
  const { page, faults } = await signIn(shop.server, shop.keys.publisher);
  const steps = new Steps('rollout', page);
  await shop.isCounted();
  const before = await shop.users();
  await steps.step('the list', () => page.getByText('of 10\u202f%').locator('visible=true').first().waitFor());
  await steps.step('the flag, with what it does at present', async () => {
    await page.getByRole('link', { name: FLAG, exact: true }).first().click();
    await page.getByText(/The new way fails in/).waitFor();
  });
  await steps.step('25 percent as a draft: for whom, and how soon a fault would be found', async () => {
    await page.getByRole('button', { name: '25', exact: true }).click();
    await page.getByText('+15\u202f%').first().waitFor();
    await page.getByText('off after (half of the runs)').waitFor();
  });
  await steps.step('review', async () => {
    await page.getByRole('link', { name: 'Review change…' }).click();
    await page.getByText('No errors').waitFor();
    await page.getByText('Nobody else').waitFor();
  });
  await steps.step('publish', async () => {
    await page.getByLabel('Why?').fill('Payments agreed');
    const publish = () => page.getByRole('button', { name: 'Publish to 2 hosts' }).click();
    const onHosts = await shop.after(publish, (users) => users > before);
    await page.getByText(/on 2 of 2 hosts after/).waitFor();
    return onHosts;
  });
  await steps.step('undo: a dialog shows what it does', async () => {
    await page.getByRole('button', { name: 'Undo…' }).click();
    await page.getByRole('dialog').getByText('15\u202f% lose it').waitFor();
  });
  await steps.step('undo', async () => {
    await page.getByLabel('Why?').fill('Too early');
    return shop.after(
      () => page.keyboard.press('Enter'),
      (users) => users === before,
    );
  });
  steps.print();
  expect(faults).toEqual([]);
});

test('whoever is on call finds why a flag was rolled back, lets it go on, and holds it', async () => {
  const shop = await Shop.open();
  const { page, faults } = await signIn(shop.server, shop.keys.operator);
  const steps = new Steps('rollback', page);
  const before = await shop.users();
  await page.getByText('2 hosts').first().waitFor();
  await shop.isCounted();
  await steps.step('the new checkout fails: the list', async () => {
    const fail = async () => {
      shop.fails = true;
    };
    const onHosts = await shop.after(fail, (users) => users === 0);
    await page
      .getByText(/^Rolled back/)
      .locator('visible=true')
      .first()
      .waitFor();
    return onHosts;
  });
  shop.fails = false;
  await steps.step('the page that a webhook leads to', async () => {
    const answer = await page.request.get(`${shop.server.url}/flags/${FLAG}/incidents`);
    const [{ id }] = await answer.json();
    await page.goto(`${shop.server.url}/ui/flags/${FLAG}?event=${encodeURIComponent(id)}`);
    await page.getByText(/^It failed more often than/).waitFor();
    await page.getByText('It stays so until somebody acknowledges it.').waitFor();
  });
  await steps.step('acknowledge', async () => {
    await page.getByRole('button', { name: 'Acknowledge…' }).click();
    await page.getByLabel('Why?').fill('Mended in 2.4.2');
    const onHosts = await shop.after(
      () => page.keyboard.press('Enter'),
      (users) => users === before,
    );
    await page.getByRole('button', { name: 'Hold off for everyone…' }).first().waitFor();
    return onHosts;
  });
  await steps.step('hold', async () => {
    await page.getByRole('button', { name: 'Hold off for everyone…' }).first().click();
    await page.getByLabel('Why?').fill('Wrong prices');
    const onHosts = await shop.after(
      () => page.keyboard.press('Enter'),
      (users) => users === 0,
    );
    await page
      .getByText(/Held by olaf \d/)
      .first()
      .waitFor();
    return onHosts;
  });
  await steps.step('the audit', async () => {
    await page.getByRole('link', { name: 'Audit' }).click();
    for (const reason of ['Wrong prices', 'Mended in 2.4.2']) await page.getByText(reason).first().waitFor();
  });
  steps.print();
  expect(faults).toEqual([]);
});
