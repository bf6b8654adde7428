// Lays out what is to be published: `node pkg/release.js OUT`. Beside the packages that all share, one for each platform whose
// addon lies in `pkg/node`; those are named in `@flcm/flags-node` here, because `npm ci` in the repository could not find them.

import { copyFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const manifest = (folder) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

function stage(from, to, files) {
  mkdirSync(to, { recursive: true });
  for (const file of files) cpSync(join(from, file), join(to, file), { recursive: true });
  copyFileSync(join(here, '../LICENSE'), join(to, 'LICENSE'));
}

const out = resolve(process.argv[2] ?? '');
if (!process.argv[2]) throw new Error('say where: node pkg/release.js OUT');
rmSync(out, { recursive: true, force: true });

for (const name of ['web', 'node', 'openfeature-server', 'openfeature-web']) {
  stage(join(here, name), join(out, name), ['package.json', 'README.md', 'dist']);
}

const runtime = join(here, '../.flcm-core/features');
stage(runtime, join(out, 'features'), ['package.json', 'README.md', 'dist']);
// How the source finds its platform; what is published was put together for each.
const { imports: _imports, ...features } = manifest(runtime);
writeFileSync(join(out, 'features/package.json'), `${JSON.stringify(features, null, 2)}\n`);

const node = manifest(join(here, 'node'));
node.optionalDependencies = {};
for (const target of readdirSync(join(here, 'node/npm'))) {
  const shell = join(here, 'node/npm', target);
  const { name, version, main } = manifest(shell);
  if (version !== node.version) throw new Error(`\`${name}\` is ${version}, and \`${node.name}\` is ${node.version}`);
  if (!existsSync(join(here, 'node', main))) continue;
  stage(shell, join(out, target), ['package.json']);
  copyFileSync(join(here, 'node', main), join(out, target, main));
  node.optionalDependencies[name] = version;
}
writeFileSync(join(out, 'node/package.json'), `${JSON.stringify(node, null, 2)}\n`);
