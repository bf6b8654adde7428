// The snippets of the guides: each file is type-checked, the programs run, and what they print is what the guide says.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { complaints, FlagServer, root, scratch, written } from './tried.js';

/** What is tried: the guides, the pages of the packages on npm, and what the README says of the runtime. */
const sources = [
  ...readdirSync(join(root, 'docs/guides')).map((name) => `docs/guides/${name}`),
  '.flcm-core/features/README.md',
  'docs/openfeature.md',
  'pkg/openfeature-server/README.md',
  'pkg/openfeature-web/README.md',
  'README.md#In your application',
];

function markdownOf(source) {
  const [file, heading] = source.split('#');
  const markdown = readFileSync(join(root, file), 'utf8');
  if (!heading) return markdown;
  const section = markdown.split(/^## /m).find((text) => text.startsWith(heading));
  assert.ok(section, `${file} has no section \`${heading}\``);
  return section;
}

const tried = sources.map((source) => ({ source, guide: written(markdownOf(source)) }));

test('the files are sound', () => assert.equal(complaints(scratch), ''));

for (const { source, guide } of tried) {
  test(source, async () => {
    for (const text of guide.notRun) console.log(`not run: ${text}`);
    await guide.follow(FlagServer);
  });
}
