// Fills the `dist` folders of the packages from what cargo and xtask made; the recipe `packages` runs all of it.

import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bindings = join(root, 'target/bindings');

/** The files of the contract as one: it is published so. */
const contract = ['contract', 'documents', 'outcomes', 'page']
  .map((name) => readFileSync(join(root, `bindings/${name}.d.ts`), 'utf8'))
  .join('\n')
  .replaceAll(/^(import|export) type [^;]* from '\.\/\w+\.d\.ts';\n\n?/gm, '');

/** The names of the platform, as the packages of `pkg/node/npm` have them, and as cargo names the library. */
const { platform, arch } = process;
const abi = { linux: process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl', win32: '-msvc' }[
  platform
];
const library =
  { darwin: 'libflcm_flags_node.dylib', win32: 'flcm_flags_node.dll' }[platform] ?? 'libflcm_flags_node.so';

const write = (path, text) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

/** What napi writes while it compiles, a line for each export, as declarations. */
function declarations(lines) {
  const declare = {
    fn: ({ def }) => `export declare ${def}`,
    interface: ({ name, def }) => `export interface ${name} {\n${def}\n}`,
  };
  const texts = lines
    .trim()
    .split('\n')
    .map((line) => {
      const item = JSON.parse(line);
      if (!declare[item.kind])
        throw new Error(`\`${item.name}\`: no declaration is known for the kind \`${item.kind}\``);
      return `${item.js_doc}${declare[item.kind](item)}\n`;
    });
  return `// Made by \`just packages\` from what napi-derive says of bindings/node.\n${texts.sort().join('')}`;
}

function addon(target) {
  copyFileSync(
    join(target, 'release', library),
    join(root, `pkg/node/flags-node.${platform}-${arch}${abi ?? ''}.node`),
  );
  write(
    join(bindings, 'node/flags-node.d.ts'),
    declarations(readFileSync(join(root, 'target/napi/flcm-flags-node'), 'utf8')),
  );
}

/** The declarations of an entry, with the contract beside them. */
function types(name, entry, extension) {
  const text = readFileSync(join(bindings, `types/pkg/${name}/src/${entry}.d.ts`), 'utf8');
  const beside = text
    .replaceAll('../../../bindings/contract.d.ts', './contract.ts')
    .replaceAll(/'(\.\/\w+)\.ts'/g, `'$1.${extension}'`);
  const kind = extension.replace('js', 'ts');
  write(join(root, `pkg/${name}/dist/${entry}.d.${kind}`), beside);
  write(join(root, `pkg/${name}/dist/contract.d.${kind}`), contract);
}

/** The same numbers in fewer bytes. */
const shorter = { 'Number.MAX_SAFE_INTEGER': '9007199254740991', 'Number.POSITIVE_INFINITY': 'Infinity' };

/**
 * Members that only the files of the page's runtime use: shorter names save a page 200 bytes. Exports of a file do not
 * belong here: esbuild would shorten their names where they are imported, but not where they are exported.
 */
const pageMembers = new RegExp(
  `^(${[
    ...['isClosed', 'ends', 'timer', 'requests', 'within', 'later', 'causedBy', 'FeatureError', 'fail', 'mute'],
    ...['setTrips', 'fleet', 'source', 'version', 'put', 'judge', 'reload', 'enlarge', 'confirmed', 'failed'],
    ...['updateState', 'failures', 'syncing', 'ended', 'poll', 'mediaType', 'recordOutcome', 'breaker'],
    ...['life', 'inUse', 'counts', 'waiting'],
  ].join('|')})$`,
);

async function dist(name, entries, options) {
  const folder = join(root, 'pkg', name);
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  await build({
    entryPoints: entries.map((entry) => join(folder, `src/${entry}.ts`)),
    outdir: join(folder, 'dist'),
    bundle: true,
    target: 'es2022',
    legalComments: 'none',
    logLevel: 'warning',
    loader: { '.wasm': 'binary' },
    // What the bindings export is freed by name; without this, classes that no entry uses would stay.
    define: { ...shorter, 'Symbol.dispose': 'undefined' },
    ...options,
  });
  copyFileSync(join(bindings, 'wasm/flags_bg.wasm'), join(folder, 'dist/flags.wasm'));
  copyFileSync(join(bindings, 'compile/compile_bg.wasm'), join(folder, 'dist/compile.wasm'));
  if (entries.includes('page'))
    for (const small of ['page', 'compact'])
      copyFileSync(join(bindings, `${small}/flags-${small}.wasm`), join(folder, `dist/flags-${small}.wasm`));
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  for (const entry of entries) types(name, entry, 'js');
}

/** The engine that reads batches, and the compiler. */
const LATER = /^@flcm\/flags-web(\/compile)?$/;
const external = ({ path }) => ({ path, external: true });

/** The runtime: one source, an entry for each platform, and the declarations of all its files. */
async function runtime() {
  const folder = join(root, '.flcm-core/features');
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  for (const platform of ['node', 'browser']) {
    await build({
      entryPoints: { [platform]: join(folder, 'index.ts') },
      outdir: join(folder, 'dist'),
      bundle: true,
      // What only some applications load is a file of its own.
      splitting: true,
      chunkNames: `${platform}-[name]`,
      format: 'esm',
      target: 'es2022',
      platform,
      minify: platform === 'browser',
      define: shorter,
      legalComments: 'none',
      logLevel: 'warning',
      external: ['@flcm/*'],
    });
  }
  await build({
    entryPoints: [join(folder, 'page.ts')],
    outdir: join(folder, 'dist'),
    bundle: true,
    // What a page needs after its first decision is a file of its own.
    splitting: true,
    chunkNames: 'page-[name]',
    mangleProps: pageMembers,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    define: shorter,
    legalComments: 'none',
    logLevel: 'warning',
    external: ['@flcm/*'],
  });
  const made = join(bindings, 'types/.flcm-core/features');
  for (const file of readdirSync(made, { recursive: true }).filter((name) => name.endsWith('.d.ts'))) {
    const text = readFileSync(join(made, file), 'utf8');
    write(join(folder, 'dist', file), text.replaceAll(/'(\.\.?\/[\w./-]+)\.ts'/g, `'$1.js'`));
  }
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  // What a page downloads besides the module: for the budget of sizes.
  await build({
    stdin: { contents: "export { createFeatures } from '@flcm/features';", resolveDir: root },
    outfile: join(bindings, 'page/page.js'),
    bundle: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    define: shorter,
    external: ['*/trust.ts'],
    // What only some pages load later.
    plugins: [{ name: 'later', setup: ({ onResolve }) => onResolve({ filter: LATER }, external) }],
  });
  await build({
    stdin: { contents: "export { createFeatures } from '@flcm/features/page';", resolveDir: root, sourcefile: 'small' },
    outdir: join(bindings, 'page'),
    entryNames: 'small',
    chunkNames: 'small-[name]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    minify: true,
    // Loaded where a snapshot is too large.
    external: ['@flcm/flags-web'],
    alias: { '@flcm/flags-web/page': join(root, 'pkg/web/dist/page.js') },
  });
}

/** OpenFeature's providers: each with what both have in common inside. */
async function providers() {
  for (const name of ['openfeature-server', 'openfeature-web']) {
    const folder = join(root, 'pkg', name);
    rmSync(join(folder, 'dist'), { recursive: true, force: true });
    await build({
      entryPoints: [join(folder, 'src/index.ts')],
      outdir: join(folder, 'dist'),
      bundle: true,
      format: 'esm',
      target: 'es2022',
      minify: name === 'openfeature-web',
      legalComments: 'none',
      logLevel: 'warning',
      external: ['@flcm/*', '@openfeature/*'],
    });
    const made = join(bindings, 'types/pkg');
    const entry = readFileSync(join(made, name, 'src/index.d.ts'), 'utf8');
    write(join(folder, 'dist/index.d.ts'), entry.replaceAll('../../openfeature/src/provider.ts', './provider.js'));
    copyFileSync(join(made, 'openfeature/src/provider.d.ts'), join(folder, 'dist/provider.d.ts'));
    copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  }
}

const web = ['index', 'inline', 'slim', 'compile', 'page', 'compact'];
const node = ['index', 'wasm'];

addon(process.env.CARGO_TARGET_DIR ?? join(root, 'target'));
// Whether they hold is what the recipe `types` asks.
// Declarations of files that were renamed or removed would be packed as well.
rmSync(join(bindings, 'types'), { recursive: true, force: true });
execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'pkg'), '--noCheck'], {
  stdio: 'inherit',
});
await dist('web', web, { format: 'esm', platform: 'browser', minify: true });
await dist('node', node, {
  format: 'cjs',
  platform: 'node',
  outExtension: { '.js': '.cjs' },
  external: ['./wasm.cjs'],
});
for (const entry of node) {
  types('node', entry, 'cjs');
  // One instance, whether it is imported or required: the addon's memory is shared.
  write(join(root, `pkg/node/dist/${entry}.js`), `export { compiler, engine } from './${entry}.cjs';\n`);
}
await runtime();
await providers();
