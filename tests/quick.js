// `node tests/quick.js [BASE]`: formatting, lints and tests of what changed since a commit, committed or not. It is for the
// time between two edits and leaves out what takes long: `just test` is what must hold.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [base = 'HEAD'] = process.argv.slice(2);

const read = (program, ...args) => execFileSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
const lines = (text) => text.split('\n').filter((line) => line !== '');

/** Runs a step and says how long it took; a step that fails ends everything. */
function run(program, ...args) {
  const start = performance.now();
  console.log(`\n$ ${program} ${args.join(' ')}`);
  try {
    execFileSync(program, args, { cwd: root, stdio: 'inherit' });
  } catch (error) {
    process.exit(error.status ?? 1);
  }
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Runs a tool of package-lock.json; one that is not installed is an error. */
const tool = (...args) => run('npx', '--no', '--', ...args);

// A file that was deleted has nothing to check, but its folder has.
const changed = [
  ...lines(read('git', 'diff', '--name-only', '--relative', base)),
  ...lines(read('git', 'ls-files', '--others', '--exclude-standard')),
];
if (changed.length === 0) {
  console.log(`nothing changed since ${base}`);
  process.exit(0);
}

/** Whose tests hold a crate to what it promises, besides its own. */
const alsoTestedBy = {
  'flcm-flags': ['flcm-flags-conformance'],
  'flcm-flags-config': ['flcm-flags-conformance'],
  'flcm-flags-engine': ['flcm-flags-conformance'],
  'flcm-flags-server': ['flcm'],
};

/** The crates that were touched, and those that test them. */
function crates() {
  const { packages } = JSON.parse(read('cargo', 'metadata', '--no-deps', '--format-version=1', '--locked'));
  const folders = packages.map(({ name, manifest_path }) => [name, `${relative(root, dirname(manifest_path))}/`]);
  const isRust = (file) => /\.(rs|toml)$/.test(file) || file.startsWith('crates/') || file.startsWith('tests/fuzz/');
  const touched = folders.filter(([, folder]) => changed.some((file) => file.startsWith(folder) && isRust(file)));
  const names = new Set(touched.map(([name]) => name));
  if (changed.some((file) => file.startsWith('tests/vectors/'))) names.add('flcm-flags-conformance');
  if (changed.includes('Cargo.toml')) return packages.map(({ name }) => name);
  return [...names].flatMap((name) => [name, ...(alsoTestedBy[name] ?? [])]);
}

const rust = [...new Set(crates())].flatMap((name) => ['-p', name]);
if (rust.length > 0) {
  const features = rust.includes('flcm-flags-client') ? ['--features', 'flcm-flags-client/open-feature'] : [];
  run('cargo', 'fmt', '--all', '--check');
  run('cargo', 'clippy', ...rust, ...features, '--all-targets', '--locked', '--', '-D', 'warnings');
  run('cargo', 'test', ...rust, ...features, '--locked', '--quiet');
}

const scripts = changed.filter((file) => /\.(ts|js|jsx|json|html)$/.test(file) && existsSync(join(root, file)));
if (scripts.length > 0) {
  tool('biome', 'ci', '--error-on-warnings', '--no-errors-on-unmatched', ...scripts);
  if (!existsSync(join(root, 'pkg/node/dist/index.cjs'))) {
    console.error(
      'error: the npm packages are missing, which JavaScript is tested on\nhelp: `just packages` makes them',
    );
    process.exit(1);
  }
  // What stands in the packages is tested as it is built.
  const isBuilt = scripts.some((file) => /^(bindings|pkg\/(web|node))\//.test(file));
  if (isBuilt) run('node', 'pkg/build.js');
  tool('tsc');
  if (isBuilt) tool('vitest', 'run', 'tests/engine');
  tool('vitest', 'related', '--run', '--passWithNoTests', ...scripts.filter((file) => /\.[jt]sx?$/.test(file)));
}
if (rust.length + scripts.length === 0) console.log('nothing that was changed has quick checks');
