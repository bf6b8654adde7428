/** The text editor over a real server while others publish: texts are merged by lines, and nothing is lost. */

import { writeFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, test } from 'vitest';
import type { Server } from '../server/kit/serve.ts';
import { file, publish, review, signingIn, start } from './kit/served.ts';

const DOCUMENT = `# Flags of the shop.
flags:
  first:
    rollout: { percentage: 10 }

  second:
    rollout: { percentage: 20 }

  third:
    rollout: { percentage: 30 }
# The end.
`;

const signIn = signingIn();
const elsewhere = (server: Server, change: (text: string) => string) =>
  writeFileSync(server.document, change(file(server)));

async function open(document = DOCUMENT): Promise<{ server: Server; page: Page; faults: string[] }> {
  const { server, keys } = await start(document);
  const { page, faults } = await signIn(server, keys.publisher);
  await page.getByRole('link', { name: 'Text editor' }).click();
  await page.getByRole('textbox', { name: 'The document as text' }).click();
  return { server, page, faults };
}

/** Types at the end of the line that begins so. */
async function type(page: Page, line: number, text: string): Promise<void> {
  await page.keyboard.press('Control+Home');
  for (let at = 1; at < line; at += 1) await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.keyboard.type(text);
}

const shown = (page: Page): Promise<string> =>
  page.getByRole('textbox', { name: 'The document as text' }).evaluate((editor: HTMLElement) => editor.innerText);

test('another line is changed in the file: both changes are in the editor, in Review and in the file', async () => {
  const { server, page, faults } = await open();
  await type(page, 1, ' All of them.');
  await page.getByText('changed', { exact: true }).waitFor();
  elsewhere(server, (text) => text.replace('percentage: 30', 'percentage: 35'));
  await expect.poll(() => shown(page), { timeout: 20_000 }).toContain('percentage: 35');
  // The cursor is where it was, so that typing goes on there.
  await page.keyboard.type(' Really.');
  await expect.poll(() => shown(page)).toContain('# Flags of the shop. All of them. Really.');
  await review(page);
  await page.getByText('1 line changed, 0 removed').waitFor();
  await publish(page);
  expect(file(server)).toBe(
    DOCUMENT.replace('shop.', 'shop. All of them. Really.').replace('percentage: 30', 'percentage: 35'),
  );
  expect(faults).toEqual([]);
});

test('what is typed at the moment when others publish is not lost, nor is theirs', async () => {
  const { server, page } = await open();
  elsewhere(server, (text) => text.replace('percentage: 30', 'percentage: 35'));
  for (let at = 0; at < 12 && !(await shown(page)).includes('35'); at += 1) {
    await type(page, 1, `${at}`);
    await page.waitForTimeout(150);
  }
  await expect.poll(() => shown(page), { timeout: 20_000 }).toContain('percentage: 35');
  expect(await shown(page)).toContain('# Flags of the shop.0');
  await review(page);
  await publish(page);
  expect(file(server)).toContain('percentage: 35');
  expect(file(server)).toContain('# Flags of the shop.0');
});

for (const [choice, percentage, comment] of [
  ['Take theirs', '22', ''],
  ['Keep mine', '20', ' # agreed'],
] as const) {
  test(`the same line is changed in the file: ${choice}, also after a reload`, async () => {
    const { server, page } = await open();
    await type(page, 7, ' # agreed');
    await page.getByText('changed', { exact: true }).waitFor();
    await review(page);
    await page.getByText('Nobody else').waitFor();
    elsewhere(server, (text) => text.replace('percentage: 20', 'percentage: 22').replace('first:', '"first":'));
    const conflict = page.getByRole('region', { name: 'Both of you changed it' });
    await conflict.getByText('at line 7').waitFor({ timeout: 20_000 });
    await page.reload();
    await conflict.getByText('percentage: 22').waitFor();
    await conflict.getByText('percentage: 20 } # agreed').waitFor();
    expect(await page.getByRole('button', { name: /^Publish to/ }).isDisabled()).toBe(true);
    await conflict.getByRole('button', { name: choice }).click();
    await conflict.waitFor({ state: 'detached' });
    if (choice === 'Keep mine') {
      await publish(page);
      expect(file(server)).toContain(`percentage: ${percentage} }${comment}\n`);
    }
    expect(file(server)).toContain('"first":');
    expect(file(server)).toContain(`percentage: ${percentage} }`);
  });
}

test('line ends stay as they are', async () => {
  const { server, page } = await open(DOCUMENT.replaceAll('\n', '\r\n'));
  await type(page, 1, ' All.');
  await page.getByText('changed', { exact: true }).waitFor();
  await review(page);
  await page.getByText('1 line changed, 0 removed').waitFor();
  await publish(page);
  expect(file(server)).toBe(DOCUMENT.replaceAll('\n', '\r\n').replace('shop.', 'shop. All.'));
});
