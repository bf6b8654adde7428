/** A real server that serves the dashboard, people with keys, and pages of those who have signed in. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { launch } from '../../kit/browser.js';
import { FLCM, Server } from '../../server/kit/serve.ts';

export const DIST: string = fileURLToPath(new URL('../../../target/dashboard', import.meta.url));

/** A key, and the line of the key file that stands for it. */
function key(role: string, name: string): { key: string; line: unknown } {
  const text = execFileSync(FLCM, ['key', '--role', role, name], { encoding: 'utf8' });
  const [key] = /\bflcm_[\w-]+/.exec(text) ?? [];
  const [line] = /^\s*\{.*\}/m.exec(text) ?? [];
  if (!key || !line) throw new Error(text);
  return { key, line: JSON.parse(line) };
}

/** Whoever has a key, by its role; the last one is a service. */
const people = { viewer: 'vera', operator: 'olaf', publisher: 'anna', admin: 'ada', server: 'shop' };

export type Keys = Record<keyof typeof people, string>;

export interface Served {
  readonly server: Server;
  readonly keys: Keys;
}

export async function start(document: string, ...args: readonly string[]): Promise<Served> {
  const made = Object.entries(people).map(([role, name]) => [role, key(role, name)] as const);
  const folder = mkdtempSync(join(tmpdir(), 'flcm-keys-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'keys.json');
  writeFileSync(file, JSON.stringify(made.map(([, { line }]) => line)));
  const server = await Server.start(document, { args: ['--keys', file, '--dashboard', DIST, ...args] });
  return { server, keys: Object.fromEntries(made.map(([role, one]) => [role, one.key])) as never };
}

export interface SignedIn {
  readonly page: Page;
  /** Errors of scripts, and what the page's policy has refused. */
  readonly faults: string[];
}

/** A browser for a file of tests; answers how to sign in, which ends on the list. */
export function signingIn(): (server: Server, secret: string) => Promise<SignedIn> {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser.close());
  return async (server, secret) => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 960 } });
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
    await page.getByRole('heading', { name: 'Flags' }).waitFor();
    return { page, faults };
  };
}

/** The document as it is in the file. */
export const file = (server: Server): string => readFileSync(server.document, 'utf8');

export const review = (page: Page): Promise<void> => page.getByRole('link', { name: 'Review change…' }).click();

/** Publishes what is reviewed, once it has been checked. */
export async function publish(page: Page): Promise<void> {
  await page.getByText('No errors').waitFor();
  await page.getByLabel('Why?').fill('Agreed');
  await page.getByRole('button', { name: /^Publish to/ }).click();
  await page.getByText('Published as revision').waitFor();
}
