// Makes a release for the platform it runs on: `node deploy/release.js OUT`. The recipe `release` calls it when the npm
// tarballs are in OUT/npm.
//
// OUT gets the program `flcm`, its debug symbols, the packages of the crates, an SBOM for each ecosystem, and SHA256SUMS
// of all files.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (!process.argv[2]) throw new Error('name the folder: node deploy/release.js OUT');
const out = resolve(process.argv[2]);
const target = resolve(root, process.env.CARGO_TARGET_DIR ?? 'target');

const run = (program, args, options = {}) =>
  execFileSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options });

/** The crates that are published. */
function publishedCrates() {
  const metadata = execFileSync('cargo', ['metadata', '--no-deps', '--format-version', '1', '--locked'], { cwd: root });
  return JSON.parse(metadata).packages.filter(({ publish }) => publish === null);
}

/** The program, and its symbols in a file of their own that debuggers find by its name. */
function program() {
  run('cargo', ['build', '--profile', 'dist', '-p', 'flcm', '--locked']);
  const folder = join(out, 'bin');
  mkdirSync(folder, { recursive: true });
  const built = join(target, 'dist', process.platform === 'win32' ? 'flcm.exe' : 'flcm');
  const binary = join(folder, process.platform === 'win32' ? 'flcm.exe' : 'flcm');
  copyFileSync(built, binary);
  if (process.platform !== 'linux') {
    console.log(`${process.platform}: the debug symbols are where this platform's linker puts them, not apart`);
    return;
  }
  run('objcopy', ['--only-keep-debug', '--compress-debug-sections', binary, `${binary}.debug`]);
  run('objcopy', ['--strip-all', '--add-gnu-debuglink=flcm.debug', 'flcm'], { cwd: folder });
}

/** The packages that `cargo publish` would send. It compiles each from its package, as a user would. */
function crates() {
  const published = publishedCrates();
  const selected = published.flatMap(({ name }) => ['-p', name]);
  // A tree with changes makes packages that no commit describes.
  run('cargo', ['publish', '--dry-run', '--locked', ...selected]);
  run('cargo', ['package', '--no-verify', '--locked', ...selected]);
  mkdirSync(join(out, 'crates'), { recursive: true });
  for (const { name, version } of published) {
    const file = `${name}-${version}.crate`;
    copyFileSync(join(target, 'package', file), join(out, 'crates', file));
  }
}

function files(folder) {
  return readdirSync(folder)
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? files(path) : [path]));
}

/** Checked by `sha256sum --check SHA256SUMS`. */
function checksums() {
  const hash = (path) => createHash('sha256').update(readFileSync(path)).digest('hex');
  const lines = files(out).map((path) => `${hash(path)}  ${relative(out, path)}\n`);
  writeFileSync(join(out, 'SHA256SUMS'), lines.sort((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)).join(''));
}

for (const made of ['bin', 'crates', 'sbom', 'SHA256SUMS']) rmSync(join(out, made), { recursive: true, force: true });
program();
crates();
run('node', ['deploy/sbom.js', join(out, 'sbom')]);
checksums();
for (const path of files(out)) console.log(`${statSync(path).size.toString().padStart(10)}  ${relative(out, path)}`);
