// Follows docs/how-to/signed-snapshots.md: runs each block for the shell, and compares what it prints.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { blocksOf, isLike } from '../docs/blocks.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(root, 'target');

/** Where the page waits for seconds, nothing waits here: the clock of hosts goes on by as much. */
const BASH = 'sleep() { case $1 in *.*) command sleep "$1" ;; *) echo "$1" >> slept ;; esac; }';
const CLOCK = `
import { existsSync, readFileSync } from 'node:fs';
const slept = existsSync('slept') ? readFileSync('slept', 'utf8').split('\\n') : [];
const [ms, { now }] = [slept.reduce((sum, seconds) => sum + 1000 * seconds, 0), Date];
Date.now = () => now() + ms;
`;

/** A port that nobody uses, in place of that of the page. */
function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

test('the page on signed snapshots does what it says', async () => {
  const markdown = readFileSync(join(root, 'docs/how-to/signed-snapshots.md'), 'utf8');
  // Inside the repository, so that its packages are found from there.
  mkdirSync(join(root, 'target'), { recursive: true });
  const folder = mkdtempSync(join(root, 'target/signed-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = [join(target, 'debug'), process.env.PATH].join(delimiter);
  const [bash, clock] = [join(folder, 'bash.sh'), join(folder, 'clock.mjs')];
  writeFileSync(bash, BASH);
  writeFileSync(clock, CLOCK);
  const shift = { BASH_ENV: bash, NODE_OPTIONS: `--import=${pathToFileURL(clock)}` };
  const env = { ...process.env, PATH: path, FLCM_LOG: 'error', NO_COLOR: '1', ...shift };
  const blocks = blocksOf(markdown.replaceAll('8787', `${await freePort()}`));
  let [output, compared] = ['', 0];
  for (const { kind, name, text, line } of blocks) {
    if (name) writeFileSync(join(folder, name), text);
    else if (kind === 'shell') {
      const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
        cwd: folder,
        env,
        encoding: 'utf8',
        timeout: 60_000,
      });
      expect(ran.status, `line ${line}: ${ran.stderr}`).toBe(0);
      output = ran.stdout;
    } else {
      expect(isLike(output.replaceAll('\r', ''), text), `line ${line}: ${output}`).toBe(true);
      compared++;
    }
  }
  expect(compared).toBe(12);
});
