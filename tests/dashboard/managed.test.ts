/** A document that is managed elsewhere: everything can be tried, and the result is a patch. */

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { patch as patchOf } from '../../dashboard/src/ui/lines.ts';
import { dashboard } from './kit/dashboard.ts';

const numbers = (patch: string): string[] => patch.match(/^@@ .* @@/gm) ?? [];

const kit = dashboard({ mode: 'none' });

test('the patch is what `git apply` takes', async () => {
  const { page } = await kit.open('/flags/checkout_v2');
  await page.getByText('This document is managed elsewhere.').first().waitFor();
  await page.getByRole('button', { name: '25', exact: true }).click();
  await page.getByRole('link', { name: 'Review change…' }).click();
  expect(await page.getByRole('button', { name: /^Publish/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Copy as patch' }).click();
  await page.getByText('Copied').waitFor();
  const patch = await page.evaluate(() => navigator.clipboard.readText());
  const folder = mkdtempSync(join(tmpdir(), 'flcm-patch-'));
  try {
    writeFileSync(join(folder, 'shop.yaml'), kit.server().text());
    execFileSync('git', ['apply', '-'], { cwd: folder, input: patch });
    const patched = readFileSync(join(folder, 'shop.yaml'), 'utf8');
    // `git apply` finds the place also where the numbers of lines are wrong.
    writeFileSync(join(folder, 'before.yaml'), kit.server().text());
    const made = spawnSync('git', ['diff', '--no-index', 'before.yaml', 'shop.yaml'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(numbers(patch)).toEqual(numbers(made.stdout));
    expect(patched).toContain('percentage: 25        # agreed with payments, 12 Nov');
    expect(patched.split('\n').length).toBe(kit.server().text().split('\n').length - 4);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** What `git apply` makes of a text by a patch. */
function applied(older: string, patch: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'flcm-patch-'));
  try {
    writeFileSync(join(folder, 'flags.yaml'), older);
    execFileSync('git', ['apply', '-'], { cwd: folder, input: patch, stdio: 'pipe' });
    return readFileSync(join(folder, 'flags.yaml'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const LINES = Array.from({ length: 12 }, (_, at) => `  flag_${at}: {}`);

for (const [before, after] of [
  ['\n', '\n'],
  ['', ''],
  ['\n', ''],
  ['', '\n'],
  ['\n\n', '\n'],
] as const) {
  test(`\`git apply\` takes a patch at any line, with ${JSON.stringify([before, after])} as the end`, () => {
    const older = LINES.join('\n') + before;
    for (const [at, line] of LINES.entries()) {
      for (const fresh of [[], [`${line} # new`], [line, '  new: {}']]) {
        const newer = LINES.toSpliced(at, 1, ...fresh).join('\n') + after;
        expect(applied(older, patchOf('flags.yaml', older, newer))).toBe(newer);
      }
    }
  });
}
