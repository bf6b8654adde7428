import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { ROOT, version } from './paths.js';

/** This checkout. */
export const HERE = path.join(ROOT, '../..');

/**
 * The pages, each the smallest program that makes a client and asks it for one flag. `optional` is what
 * ours imports only in some applications: the compiler, signatures, or the full engine where the small one has no room.
 * `later` is what it imports after its first decision.
 */
export const PAGES = [
  {
    name: 'flcm, page',
    page: 'flcm-page',
    optional: /web\/dist\/(index|compact)\.js$/,
    later: /dist\/page-later\.js$/,
  },
  { name: 'flcm', page: 'flcm', optional: /dist\/(compile|browser-trust)\.js$|web\/dist\/index\.js$/ },
  { page: 'growthbook', package: '@growthbook/growthbook' },
  { page: 'configcat', package: '@configcat/sdk' },
  { page: 'eppo', package: '@eppo/js-client-sdk-common' },
  { page: 'flagd-core', package: '@openfeature/flagd-core' },
  { page: 'flagd-web', package: '@openfeature/flagd-web-provider' },
  { page: 'launchdarkly', package: '@launchdarkly/js-client-sdk' },
  { page: 'launchdarkly-3', package: 'launchdarkly-js-client-sdk' },
  { page: 'unleash', package: 'unleash-proxy-client' },
];

/** Whether the packages of a page are there: peers are installed here, and ours are built in a checkout. */
export function isThere({ page, package: from }, checkout = HERE) {
  if (from) return existsSync(path.join(ROOT, 'node_modules', from));
  return existsSync(path.join(checkout, '.flcm-core/features/dist', page === 'flcm' ? 'browser.js' : 'page.js'));
}

/** Ours may come from another checkout, whose packages are built. */
const from = (checkout) => ({
  name: 'checkout',
  setup(build) {
    build.onResolve({ filter: /^@flcm\// }, ({ path: name, kind, pluginData }) =>
      pluginData ? undefined : build.resolve(name, { kind, resolveDir: checkout, pluginData: true }),
    );
  },
});

/**
 * Bundles a page into a folder, as an application would for production.
 *
 * @returns {Promise<{ first: string[], later: string[] }>} the files that it loads, until its first decision and after
 *   it
 */
export async function bundle({ page, optional, later }, folder, checkout = HERE) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { metafile } = await build({
    entryPoints: { index: path.join(ROOT, `pages/${page}.js`) },
    outdir: folder,
    absWorkingDir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    minify: true,
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"', 'process.env.LOG_LEVEL': 'undefined' },
    metafile: true,
    logLevel: 'error',
    // What is published, and not the sources that the paths of tsconfig.json name.
    tsconfigRaw: '{}',
    plugins: [from(checkout)],
  });
  const all = loaded(metafile.outputs, 'index.js', [optional]);
  const first = loaded(metafile.outputs, 'index.js', [optional, later]);
  const named = (files) => files.map((file) => path.join(folder, file));
  const wasm = modules(named(first));
  for (const file of wasm) copyFileSync(path.join(checkout, 'pkg/web/dist', file), path.join(folder, file));
  return { first: named([...first, ...wasm]), later: named(all.filter((file) => !first.includes(file))) };
}

/** The modules that scripts fetch beside themselves; esbuild leaves them where they are. */
function modules(scripts) {
  const texts = scripts.map((file) => readFileSync(file, 'utf8'));
  return texts.flatMap((text) => [...text.matchAll(/new URL\(["'`]\.\/([\w-]+\.wasm)/g)].map(([, name]) => name));
}

/** What a file imports, at once or later, but for what is left out. */
function loaded(outputs, file, leftOut, seen = new Set()) {
  seen.add(file);
  const isLeftOut = (input) => leftOut.some((pattern) => pattern?.test(input));
  for (const { path: next, kind, external } of outputs[file].imports) {
    if (external || seen.has(next)) continue;
    if (kind === 'dynamic-import' && Object.keys(outputs[next].inputs).some(isLeftOut)) continue;
    loaded(outputs, next, leftOut, seen);
  }
  return [...seen];
}

/** The name of a page with the version of its package. */
export const titled = ({ name, package: from }) => name ?? `${from} ${version(from)}`;
