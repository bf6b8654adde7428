// `node tests/parity/chromium.js CASES.jsonl`: the suite in a real, headless Chromium, on the full engine, the compact
// one and that of pages, after `just packages`.

import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withPage } from '../kit/browser.js';
import { folder, names } from './data.js';

const cases = process.argv[2];
if (cases === undefined) {
  console.error('usage: node tests/parity/chromium.js CASES.jsonl');
  process.exit(2);
}
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folders = {
  '/parity/': here('.'),
  '/web/': here('../../pkg/web/dist'),
  '/vectors/': folder,
  '/cases/': dirname(resolve(cases)),
};
for (const engine of ['wasm', 'compact', 'page']) {
  const start = performance.now();
  await withPage(folders, async ({ run, errors }) => {
    const { name, counts } = await run('/parity/page.js', engine, names(), `/cases/${basename(cases)}`);
    for (const [what, count] of Object.entries(counts)) console.log(`Chromium, ${name}: ${what}: ${count}`);
    if (errors.length > 0) throw new Error(`the page reported: ${errors.join('; ')}`);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`Chromium, ${name}: ${counts.decisions} generated decisions and all vectors agree; ${seconds} s`);
  });
}
