// Packs what a release would publish, and gives consumers of it that live outside the repository.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
export const root = join(here, '../..');
const vectors = join(root, 'tests/vectors/snapshot');

/** A kept snapshot, the document it comes from, and what it must answer. */
const vector = JSON.parse(readFileSync(join(vectors, 'two-flags.json'), 'utf8'));
export const bytes = readFileSync(join(vectors, 'two-flags.snapshot'));
export const document = vector.document.join('\n');
export const cases = vector.cases.filter(({ trips }) => !trips);
export const expected = cases.map(({ answer }) => answer);

const scratch = mkdtempSync(join(tmpdir(), 'flcm-packaging-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Runs a program to its end and answers what it prints; what it says when it fails is the message. */
export function run(cwd, program, ...args) {
  try {
    return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${program} ${args.join(' ')}: ${error.stdout}${error.stderr}`);
  }
}

/** Runs a tool of the repository. */
export const tool = (cwd, bin, ...args) => run(cwd, process.execPath, join(root, 'node_modules', bin), ...args);

const released = join(scratch, 'release');
run(root, process.execPath, 'pkg/release.js', released);

function pack(folder) {
  const [{ filename, files }] = Object.values(
    JSON.parse(run(folder, 'npm', 'pack', '--json', '--ignore-scripts', '--pack-destination', scratch)),
  );
  return { tarball: join(scratch, filename), files: files.map(({ path }) => path).sort() };
}

/** The tarball of each package, by the name of its folder, with the list of its files. */
export const packed = Object.fromEntries(readdirSync(released).map((name) => [name, pack(join(released, name))]));

/** What is published for every platform. */
export const packages = ['web', 'node', 'features', 'openfeature-server', 'openfeature-web'];

/** The platforms whose addon was built: on a developer's machine, its own. */
export const platforms = Object.keys(packed).filter((name) => !packages.includes(name));

/** What they need of others. */
for (const name of ['core', 'server-sdk', 'web-sdk'])
  packed[name] = pack(join(root, 'node_modules/@openfeature', name));

/** A folder with programs that use packages, and the packages installed without asking a registry. */
export function consumer(...names) {
  const folder = mkdtempSync(join(scratch, 'consumer-'));
  cpSync(join(here, 'consumers'), folder, { recursive: true });
  writeFileSync(join(folder, 'two-flags.snapshot'), bytes);
  writeFileSync(join(folder, 'two-flags.json'), JSON.stringify({ cases, document }));
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
  const tarballs = names.map((name) => packed[name].tarball);
  run(folder, 'npm', 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...tarballs);
  return folder;
}
