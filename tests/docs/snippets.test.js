// The snippets of the guides: each file is type-checked, the programs run, and what they print is what the guide says.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { complaints, FlagServer, root, scratch, written } from './tried.js';

/**
 * Guides that are not tried here. The documentation tests of the client in Rust compile `rust.md`. The commands of
 * `signed-snapshots.md` are run by tests/server/signed-snapshots.test.js, those of the guides to the dashboard by
 * tests/dashboard/guides.test.ts. The program of `small-page.md` is for a browser, and tests/features/page.test.ts has
 * the same calls.
 */
const NO_PROGRAM = [
  'backup-and-restore.md',
  'behind-a-proxy.md',
  'install.md',
  'roll-out-in-the-dashboard.md',
  'rollback-threshold.md',
  'run-the-dashboard.md',
  'rust.md',
  'server.md',
  'signed-snapshots.md',
  'small-page.md',
  'stop-a-failing-feature.md',
];

const guidesIn = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => !NO_PROGRAM.includes(name))
    .map((name) => `${folder}/${name}`);

/** What is tried: the tutorial, the guides, the pages of the packages on npm, and two sections of the README. */
const sources = [
  ...guidesIn('docs/tutorial'),
  ...guidesIn('docs/how-to'),
  '.flcm-core/features/README.md',
  'pkg/openfeature-server/README.md',
  'pkg/openfeature-web/README.md',
  'README.md#Use it in JavaScript',
  'README.md#Use it through OpenFeature',
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
