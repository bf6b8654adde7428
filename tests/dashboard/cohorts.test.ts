/** Cohorts over a real server: users, exceptions and conditions, and what comes of it for every flag. */

import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Server } from '../server/kit/serve.ts';
import { file, publish, review, signingIn, start } from './kit/served.ts';

const DOCUMENT = `# Flags of the shop.
cohorts:
  # Colleagues who try everything first.
  beta_testers:
    users: [alice, bob] # of the shop
    when:
      - { attribute: plan, operator: "==", value: pro }
  insiders:
    when:
      - any: [{ cohort: beta_testers }, { attribute: staff, operator: "==", value: true }]

flags:
  new_search:
    rollout: { percentage: 20, cohorts: [{ beta_testers: true }] }
  new_baskets:
    rollout: { percentage: 10 }
    conditions:
      - { cohort: insiders }
  quiet:
    rollout: { percentage: 10 }
`;

const signIn = signingIn();

async function open(): Promise<{ server: Server; page: Page; faults: string[] }> {
  const { server, keys } = await start(DOCUMENT);
  const { page, faults } = await signIn(server, keys.publisher);
  await page.getByRole('link', { name: 'Cohorts', exact: true }).click();
  await page.getByText('beta_testers').first().waitFor();
  return { server, page, faults };
}

test('users, exceptions and conditions, with the blast radius over all flags that name it', async () => {
  const { server, page, faults } = await open();
  await page.getByRole('button', { name: 'Edit: beta_testers' }).click();
  const form = page.getByRole('dialog', { name: 'beta_testers' });
  await form.getByLabel(/^Users/).fill('alice\nbob\ncarol\n\ncarol');
  await form.getByLabel(/^Except/).fill('mallory');
  await form.getByRole('group', { name: 'condition 1' }).getByLabel('Comparison').selectOption('in');
  await form.getByLabel('Value').fill('pro, team');
  const blast = form.getByRole('region', { name: 'Blast radius' });
  await blast.getByRole('link', { name: 'new_search' }).waitFor();
  // Not by itself, but through the other cohort.
  await blast.getByRole('link', { name: 'new_baskets' }).waitFor();
  expect(await blast.getByRole('link', { name: 'quiet' }).count()).toBe(0);
  await form.getByRole('button', { name: 'Put into the draft' }).click();
  const row = page.getByRole('row', { name: /beta_testers/ }).first();
  await row.getByText('edited').waitFor();
  await row.getByText('3 users').waitFor();
  await review(page);
  await publish(page);
  expect(file(server)).toBe(
    DOCUMENT.replace('[alice, bob]', '[alice, bob, carol]').replace(
      '{ attribute: plan, operator: "==", value: pro }\n',
      '{ attribute: plan, operator: "in", value: [pro, team] }\n    except: [mallory]\n',
    ),
  );
  expect(faults).toEqual([]);
});

test('a new cohort by keyboard alone, and the form again before anything is published', async () => {
  const { server, page } = await open();
  const focus = async (name: string) => {
    for (let presses = 0; presses < 60; presses += 1) {
      const text = await page.evaluate(() => {
        const active = document.activeElement;
        const label = active instanceof HTMLTextAreaElement ? active.labels[0]?.textContent : undefined;
        return active?.getAttribute('aria-label') ?? label ?? active?.textContent ?? '';
      });
      if (text.startsWith(name)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${name} cannot be reached`);
  };
  await focus('New cohort');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'New cohort' }).waitFor();
  await focus('Cohort');
  await page.keyboard.type('pilots');
  await focus('Users');
  await page.keyboard.type('dora');
  await focus('Add a test of an attribute');
  await page.keyboard.press('Enter');
  await focus('Attribute');
  await page.keyboard.type('country');
  await focus('Value');
  await page.keyboard.type('DE');
  await page.locator('dialog button[type=submit]:enabled').waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await focus('Edit: pilots');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog', { name: 'pilots' }).waitFor();
  await focus('Except');
  await page.keyboard.type('mallory');
  await focus('Put into the draft');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await review(page);
  await publish(page);
  const added = file(server)
    .split('\n')
    .filter((line) => !DOCUMENT.split('\n').includes(line));
  expect(added.join('\n')).toContain('pilots:');
  expect(added.join('\n')).toContain('dora');
  expect(added.join('\n')).toContain('mallory');
  expect(added.join('\n')).toContain('country');
});

test('a name that is taken cannot be used again', async () => {
  const { page } = await open();
  await page.getByRole('button', { name: 'New cohort' }).click();
  const form = page.getByRole('dialog', { name: 'New cohort' });
  await form.getByLabel('Cohort', { exact: true }).fill('insiders');
  await form.getByText('There is a cohort insiders already.').waitFor();
  expect(await form.getByRole('button', { name: 'Put into the draft' }).isDisabled()).toBe(true);
});

test('somebody else changes the same cohort: both are shown', async () => {
  const { server, page } = await open();
  await page.getByRole('button', { name: 'Edit: beta_testers' }).click();
  await page.getByLabel(/^Users/).fill('alice\ndora');
  await page.getByRole('button', { name: 'Put into the draft' }).click();
  await page.getByRole('link', { name: 'Review change…' }).click();
  await page.getByText('No errors').waitFor();
  writeFileSync(server.document, DOCUMENT.replace('[alice, bob]', '[alice, bob, eve]'));
  await page.getByText('cohorts.beta_testers.users').waitFor({ timeout: 20_000 });
  await page.getByRole('button', { name: 'Keep mine' }).click();
  await page.getByRole('region', { name: 'What changes' }).getByText('alice, dora').waitFor();
});
