// examples/react: components, in Chromium, follow edits of the document, and a server of flags that the address names.

import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler } from '@flcm/flags-node';
import { afterAll, beforeAll, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { start, until } from './start.js';

const original = fileURLToPath(new URL('../../examples/react/flags.yaml', import.meta.url));
const text = readFileSync(original, 'utf8');
let folder;
let file;
let service;
let browser;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flcm-example-'));
  file = join(folder, 'flags.yaml');
  copyFileSync(original, file);
  service = await start('react/serve.js', file);
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true });
});

/** Opens the page, and answers what may be seen of it. */
async function open(query = '', prepare = async () => {}) {
  const problems = [];
  const page = await browser.newPage({ viewport: { width: 900, height: 400 } });
  page.on('pageerror', (error) => problems.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  await prepare(page);
  await page.goto(`${service.url}/${query}`);
  const shows = (selector, expected) =>
    until(
      () => page.locator(selector).textContent(),
      (shown) => shown === expected,
    );
  return { page, problems, shows };
}

/** Stands in for a server of flags, which gives them and has nothing else. */
function served(document, isUp = () => true) {
  const { snapshot } = compiler.compile(document);
  const headers = { 'access-control-allow-origin': '*' };
  const flags = { body: Buffer.from(snapshot), contentType: 'application/vnd.flcm.snapshot', headers };
  return (page) =>
    page.route('http://flags.invalid/**', (route) => {
      const isAnswered = isUp() && route.request().url().endsWith('/flags');
      return isAnswered ? route.fulfill(flags) : route.abort();
    });
}

test('components follow an edit and another user, and the page is not loaded again', async () => {
  const { page, problems, shows } = await open();
  await shows('h1', 'Welcome to the shop');
  await shows('#buy', 'Buy with one click');
  await page.evaluate(() => {
    globalThis.isTheSamePage = true;
  });
  await page.locator('#user').selectOption('bob');
  await shows('#buy', 'To the checkout');

  writeFileSync(`${file}.new`, text.replaceAll('percentage: 0', 'percentage: 100'));
  renameSync(`${file}.new`, file);
  await shows('h1', 'Try the new checkout');
  await shows('#buy', 'Buy with one click');
  assert.equal(await page.evaluate(() => globalThis.isTheSamePage), true);
  assert.deepEqual(problems, []);
});

test('a server that the address names is followed in place of the document', async () => {
  const serve = served(text.replace('Welcome to the shop', 'Hello from a server'));
  const { shows } = await open('?server=http://flags.invalid', serve);
  await shows('h1', 'Hello from a server');
});

test('a server that is late is not waited for: fallbacks are drawn, and the flags as soon as they come', async () => {
  let isUp = false;
  const serve = served(text, () => isUp);
  const { shows } = await open('?server=http://flags.invalid', serve);
  await shows('h1', 'No banner');
  isUp = true;
  await shows('h1', 'Welcome to the shop');
});
