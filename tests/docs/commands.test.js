// Each command line that the pages and the files in `deploy` show is one that `flcm` accepts: commands and options
// exist under the names that are written.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { root } from './tried.js';

const flcm = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/flcm');
const helps = new Map();

/** The options that a command has, or nothing where there is no such command. */
function optionsOf(command) {
  if (!helps.has(command)) helps.set(command, read(command));
  return helps.get(command);
}

function read(command) {
  try {
    const help = execFileSync(flcm, [...command.split(' '), '--help'], { encoding: 'utf8', stdio: 'pipe' });
    return new Set(help.match(/--[a-z][a-z-]*/g));
  } catch (error) {
    // The parser of command lines ends with 2. Without a status, the program itself is missing.
    if (error.status !== 2) throw error;
    return undefined;
  }
}

/** The calls of `flcm` in the text of a shell: its command, and the options behind it. */
function callsOf(shell) {
  const lines = shell.replaceAll(/\\\n/g, ' ').split('\n');
  const calls = lines.flatMap((line) => [...line.matchAll(/(?:^|[ /;|])flcm ((?:audit |key )?[a-z]+)\b([^|;&>]*)/g)]);
  return calls.map(([, command, rest]) => ({ command, options: rest.match(/(?<= )--[a-z][a-z-]*/g) ?? [] }));
}

function faults(shell) {
  return callsOf(shell).flatMap(({ command, options }) => {
    const [first] = command.split(' ');
    const known = optionsOf(command) ?? optionsOf(first);
    if (!known) return [`there is no command \`flcm ${first}\``];
    return options.filter((option) => !known.has(option)).map((option) => `\`flcm ${command}\` has no \`${option}\``);
  });
}

const pages = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.md') && !/(^|\/)(node_modules|target|dist)\//.test(path),
);

test.each(pages)('%s', (page) => {
  const blocks = [...readFileSync(join(root, page), 'utf8').matchAll(/^ *```sh\n(.*?)^ *```/gms)];
  expect(blocks.flatMap(([, shell]) => faults(shell))).toEqual([]);
});

test('deploy/flcm.service', () => {
  expect(faults(readFileSync(join(root, 'deploy/flcm.service'), 'utf8'))).toEqual([]);
});

test('deploy/kubernetes.yaml and deploy/Containerfile', () => {
  const kubernetes = readFileSync(join(root, 'deploy/kubernetes.yaml'), 'utf8');
  const container = readFileSync(join(root, 'deploy/Containerfile'), 'utf8');
  const options = [...kubernetes.match(/(?<=- )--[a-z][a-z-]*/g), ...container.match(/(?<=")--[a-z][a-z-]*/g)];
  assert.ok(options.length > 6);
  expect(faults(`flcm serve ${options.join(' ')}`)).toEqual([]);
});

test('a command and an option that do not exist are found', () => {
  expect(faults('flcm serv DOC')).toEqual(['there is no command `flcm serv`']);
  expect(faults('flcm serve DOC \\\n  --databse X')).toEqual(['`flcm serve` has no `--databse`']);
});
