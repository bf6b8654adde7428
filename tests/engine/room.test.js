// Wasm whose memory is full: an `Error` with a code, and what was loaded goes on deciding.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'vitest';

test('full memory is an error, and nothing is lost', () => {
  const program = fileURLToPath(new URL('./room.js', import.meta.url));
  // The compiler takes about a hundred pages of 64 KiB; each of the two instances may have so many.
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--wasm-max-mem-pages=200', program], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /full after [1-9]\d* snapshots/);
});
