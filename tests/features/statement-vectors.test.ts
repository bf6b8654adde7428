// `tests/vectors/host/statements.json`, which Rust runs as well. `npx vitest run tests/features/statement-vectors.test.ts
// -u` writes it from kit/statement-cases.ts.

import { expect, test } from 'vitest';
import { cases } from './kit/statement-cases.ts';

const FILE = '../vectors/host/statements.json';
const about =
  'Statements about snapshots, and whether a host takes them that has pinned keys. The keys are made from names.';

test('the file has the cases', async () => {
  await expect(`${JSON.stringify({ about, cases }, null, 2)}\n`).toMatchFileSnapshot(FILE);
});
