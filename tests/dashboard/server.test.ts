/** The dashboard over a real server: signing in, the role of a key, commands and publishing, a restart. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { FLCM, Server } from '../server/kit/serve.ts';

const DIST = fileURLToPath(new URL('../../crates/flcm-dashboard/dist', import.meta.url));

const DOCUMENT = `flags:
  new_search:
    description: Search by the new index
    rollout: { percentage: 20 } # agreed with search
    error_threshold: { rate: 0.05 }
`;

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** A key, and the line of the key file that stands for it. */
function key(role: string, name: string): { key: string; line: unknown } {
  const text = execFileSync(FLCM, ['key', '--role', role, name], { encoding: 'utf8' });
  const [key] = /\bflcm_[\w-]+/.exec(text) ?? [];
  const [line] = /^\s*\{.*\}/m.exec(text) ?? [];
  if (!key || !line) throw new Error(text);
  return { key, line: JSON.parse(line) };
}

const people = { viewer: 'vera', operator: 'olaf', publisher: 'anna' };

async function start(): Promise<{ server: Server; keys: Record<keyof typeof people, string> }> {
  const made = Object.entries(people).map(([role, name]) => [role, key(role, name)] as const);
  const folder = mkdtempSync(join(tmpdir(), 'flcm-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'keys.json');
  writeFileSync(file, JSON.stringify(made.map(([, { line }]) => line)));
  const server = await Server.start(DOCUMENT, { args: ['--keys', file, '--dashboard', DIST] });
  return { server, keys: Object.fromEntries(made.map(([role, one]) => [role, one.key])) as never };
}

async function signIn(server: Server, secret: string): Promise<{ page: Page; faults: string[] }> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) faults.push(message.text());
  });
  await page.goto(`${server.url}/ui/`);
  await page.getByLabel('Your key').fill(secret);
  await page.keyboard.press('Enter');
  await page.getByText('new_search', { exact: true }).waitFor();
  return { page, faults };
}

test('an operator holds and releases, and the audit says who and why', async () => {
  const { server, keys } = await start();
  const { page, faults } = await signIn(server, keys.operator);
  await page.getByText('olaf · operator').waitFor();
  await page.getByText('● live').waitFor();
  await page.getByRole('link', { name: 'new_search' }).click();
  await page.getByRole('button', { name: 'Hold off for everyone…' }).click();
  await page.getByLabel('Why?').fill('Results are empty');
  await page.keyboard.press('Enter');
  await page.getByText(/Held by olaf/).waitFor();
  await page.getByRole('link', { name: 'Audit' }).click();
  await page.getByText('Results are empty').first().waitFor();
  await page.getByRole('link', { name: 'new_search' }).first().click();
  await page.getByRole('button', { name: 'Release…' }).click();
  await page.getByLabel('Why?').fill('Mended');
  await page.keyboard.press('Enter');
  await page.getByText(/Held by olaf/).waitFor({ state: 'detached' });
  expect(faults).toEqual([]);
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
