// examples/page: the page, in Chromium, and the service follow edits of one document.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { start, until } from './start.js';

const original = fileURLToPath(new URL('../../examples/page/flags.yaml', import.meta.url));
const problems = [];
let folder;
let file;
let service;
let browser;
let page;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flcm-example-'));
  file = join(folder, 'flags.yaml');
  copyFileSync(original, file);
  service = await start('page/serve.js', file);
  browser = await launch();
  page = await browser.newPage({ viewport: { width: 900, height: 500 } });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('response', (response) => response.ok() || problems.push(`${response.url()}: ${response.status()}`));
  await page.goto(`${service.url}/`);
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true });
});

const text = (selector) => page.locator(selector).textContent();
const shows = (banner) =>
  until(
    () => text('#banner'),
    (shown) => shown === banner,
  );
const said = () => service.output().trim().split('\n').slice(1);

function deploy(edit) {
  writeFileSync(`${file}.new`, edit(readFileSync(original, 'utf8')));
  renameSync(`${file}.new`, file);
}

test('both follow an edit', async () => {
  await shows('Welcome to the shop');
  assert.match(await text('#why'), /^DEFAULT, snapshot [0-9a-f]{16}$/);
  assert.equal(await text('#state'), 'fresh');
  deploy((document) => document.replace('percentage: 0', 'percentage: 100'));
  await shows('Try the new checkout');
  await until(said, ([, second]) => second);
  assert.deepEqual(said(), ['in Node: Welcome to the shop', 'in Node: Try the new checkout']);
});

test('a mistake is shown, and changes nothing; the next good edit is used', async () => {
  deploy((document) => document.replace('percentage: 0', 'percentage: 120'));
  await until(
    () => text('#problem'),
    (problem) => problem.includes('the percentage is 120, and must be 0 to 100'),
  );
  assert.equal(await text('#banner'), 'Try the new checkout');
  await until(
    () => service.errors(),
    (errors) => errors.includes('the percentage is 120'),
  );
  deploy((document) => document.replace('percentage: 0', 'percentage: 100').replace('new checkout', 'newest checkout'));
  await shows('Try the newest checkout');
  assert.equal(await text('#problem'), '');
  assert.deepEqual(problems, []);
});
