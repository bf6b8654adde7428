// A page of a real, headless Chromium over folders of this machine: for tests, examples and benches.

import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { chromium } from 'playwright-core';

// No GPU, no network of its own, and no sandbox, because containers and root have none to give.
const quiet = ['gpu', 'quic', 'background-networking', 'component-update', 'sync'].map((what) => `--disable-${what}`);
const args = ['--headless', '--no-sandbox', '--no-first-run', ...quiet];

const types = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

const blank = '<!doctype html><link rel="icon" href="data:,">';

/**
 * Serves folders on the loopback interface.
 *
 * @param {Record<string, string>} folders what lies under which prefix, such as `{ '/': 'dist', '/vectors/': 'tests/vectors' }`
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function serve(folders) {
  const prefixes = Object.keys(folders).sort((a, b) => b.length - a.length);
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, 'http://localhost').pathname));
    const prefix = prefixes.find((prefix) => path.startsWith(prefix));
    const file = prefix && join(folders[prefix], path.slice(prefix.length));
    if (path === '/blank') return response.setHeader('content-type', types['.html']).end(blank);
    if (!file || !statSync(file, { throwIfNoEntry: false })?.isFile()) return response.writeHead(404).end();
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    return createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, close };
}

/** Starts the browser; `CHROMIUM` says where it is. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args });
}

/**
 * Opens an empty page over folders, hands it to `use`, and leaves nothing behind.
 *
 * @template Result
 * @param {Record<string, string>} folders as {@link serve} takes them
 * @param {(page: { run(path: string, ...args: unknown[]): Promise<any>, errors: string[], page: import('playwright-core').Page, url: string }) => Promise<Result>} use
 *   `run` imports a module by its path, calls its `default` with the arguments, and answers what that answers; `errors`
 *   is what the page reported.
 * @returns {Promise<Result>}
 */
export async function withPage(folders, use) {
  const { url, close } = await serve(folders);
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await page.goto(`${url}/blank`);
    // Text, because a function might be one that vitest has transformed for Node.
    const run = (path, ...args) =>
      page.evaluate(`import(${JSON.stringify(path)}).then((module) => module.default(...${JSON.stringify(args)}))`);
    return await use({ run, errors, page, url });
  } finally {
    await browser.close();
    await close();
  }
}
