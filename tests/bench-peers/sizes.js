// `node tests/bench-peers/sizes.js [--checkout DIR]`: what a page downloads to ask for one flag, ours beside the
// clients of others, by one bundler with the same options. Ours are the packages of this checkout, or of DIR.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compressed } from '../packaging/compressed.js';
import { bundle, isThere, PAGES, titled } from './lib/bundle.js';
import { ROOT } from './lib/paths.js';

const { values } = parseArgs({ options: { checkout: { type: 'string' } }, strict: false });
const kinds = ['raw', 'gzip', 'brotli'];

row('a page that asks for one flag', Object.fromEntries(kinds.map((kind) => [kind, kind])));
for (const page of PAGES.filter((page) => isThere(page, values.checkout))) {
  const { first, later } = await bundle(page, path.join(ROOT, 'target/sizes', page.page), values.checkout);
  row(titled(page), sizesOf([...first, ...later]));
  if (later.length > 0) row(`${titled(page)}: until the first decision`, sizesOf(first));
}

function sizesOf(files) {
  return compressed(files.map((file) => readFileSync(file)));
}

function row(name, sizes) {
  console.log(name.padEnd(44) + kinds.map((kind) => String(sizes[kind]).padStart(10)).join(''));
}
