// `node tests/quick.js BASE CARGO_OPTIONS…`: formatting, lints and tests of what changed since a commit, committed or
// not. It is for the time between two edits and leaves out what takes long: `just test` is what must hold.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** What changed since this commit is checked; cargo selects the workspace by these options. */
const [base, ...workspace] = process.argv.slice(2);

const read = (program, ...args) => execFileSync(program, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
const lines = (text) => text.split('\n').filter((line) => line !== '');

/** Runs a step and says how long it took; a step that fails ends everything. */
function run(program, args, cwd = root) {
  const start = performance.now();
  console.log(`\n$ ${[program, ...args].join(' ')}`);
  const { status } = spawnSync(program, args, { cwd, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  console.log(`${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/** Runs a tool of package-lock.json; one that is not installed is an error. */
const tool = (...args) => run('npx', ['--no', '--', ...args]);

/** Whether a file is for biome and TypeScript. */
const isScript = (file) => /\.(ts|js|jsx|json|html)$/.test(file);

/** Whether there is such a commit. */
function isCommit(name) {
  try {
    execFileSync('git', ['rev-parse', '--verify', '--quiet', `${name}^{commit}`], { cwd: root });
    return true;
  } catch {
    return false;
  }
}

if (!isCommit(base)) {
  console.error(
    `error: there is no commit \`${base}\`\nhelp: name a branch, a tag or a hash, such as \`just quick main\``,
  );
  process.exit(2);
}

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
  'flcm-flags-host': ['flcm-flags-ffi', 'flcm-flags-conformance'],
  'flcm-flags-server': ['flcm'],
};

const { packages } = JSON.parse(read('cargo', 'metadata', '--no-deps', '--format-version=1', '--locked'));
/** The crates by their folders. */
const folders = new Map(packages.map(({ name, manifest_path }) => [dirname(manifest_path), name]));

/** The crates that were touched, and those that test them. */
function crates() {
  if (changed.includes('Cargo.toml') || changed.includes('Cargo.lock')) return new Set(folders.values());
  const holds = (folder) => changed.some((file) => file.startsWith(`${relative(root, folder)}/`));
  const touched = [...folders].filter(([folder]) => holds(folder)).map(([, name]) => name);
  if (changed.some((file) => file.startsWith('tests/vectors/'))) touched.push('flcm-flags-conformance');
  return new Set(touched.flatMap((name) => [name, ...(alsoTestedBy[name] ?? [])]));
}

/** The test programs of crates, built as `just test` builds them, so that nothing is compiled twice. */
function testPrograms(names) {
  const args = ['test', ...workspace, '--no-run', '--message-format=json-render-diagnostics'];
  console.log(`\n$ cargo ${args.join(' ')}`);
  const { status, stdout } = spawnSync('cargo', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (status !== 0) process.exit(status ?? 1);
  return lines(stdout)
    .map((line) => JSON.parse(line))
    .filter(({ executable, profile }) => executable && profile.test)
    .map(({ executable, manifest_path }) => ({ executable, folder: dirname(manifest_path) }))
    .filter(({ folder }) => names.has(folders.get(folder)));
}

const names = crates();
if (names.size > 0) {
  run('cargo', ['fmt', '--all', '--check']);
  run('cargo', ['clippy', ...workspace, '--all-targets', '--', '-D', 'warnings']);
  for (const { executable, folder } of testPrograms(names)) run(executable, ['--quiet'], folder);
}

const scripts = changed.filter((file) => isScript(file) && existsSync(join(root, file)));
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
  if (isBuilt) run('node', ['pkg/build.js']);
  tool('tsc');
  if (isBuilt) tool('vitest', 'run', 'tests/engine');
  tool('vitest', 'related', '--run', '--passWithNoTests', ...scripts.filter((file) => /\.[jt]sx?$/.test(file)));
}
if (names.size + scripts.length === 0) console.log('nothing that was changed has quick checks');
