// What is in the tarballs, and whether tools that know how packages go wrong find anything wrong with them.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { consumer, packages, packed, platforms, root, tool } from './packed.js';

const json = (path) => JSON.parse(readFileSync(join(root, path), 'utf8'));
const sdks = ['core', 'server-sdk', 'web-sdk'];
const files = json('tests/packaging/files.json');

for (const name of packages) {
  test(`${name}: the tarball holds the files that files.json lists`, () => {
    assert.deepEqual(packed[name].files, files[name]);
  });

  test(`${name}: publint finds nothing`, () => {
    const said = tool(root, 'publint/src/cli.js', packed[name].tarball, '--strict');
    assert.match(said, /All good!/, said);
  });
}

test('web: types and code of every entry agree, for importers', () => {
  const modules = ['flags.wasm', 'flags-compact.wasm', 'flags-page.wasm', 'compile.wasm'];
  tool(
    root,
    '@arethetypeswrong/cli/dist/index.js',
    packed.web.tarball,
    '--profile',
    'esm-only',
    '--exclude-entrypoints',
    ...modules,
  );
});

test('node: types and code of every entry agree, for importers and requirers', () => {
  tool(root, '@arethetypeswrong/cli/dist/index.js', packed.node.tarball, '--profile', 'node16');
});

for (const name of ['features', 'openfeature-server', 'openfeature-web']) {
  test(`${name}: types and code agree, for importers`, () => {
    tool(root, '@arethetypeswrong/cli/dist/index.js', packed[name].tarball, '--profile', 'esm-only');
  });
}

test('the addon of this machine has a package of its own', () => {
  assert.equal(platforms.length, 1);
  const [target] = platforms;
  assert.deepEqual(packed[target].files, ['LICENSE', `flags-node.${target}.node`, 'package.json']);
});

test('the packages of platforms are named after what they hold', () => {
  const { name, version, license } = json('pkg/node/package.json');
  for (const target of readdirSync(join(root, 'pkg/node/npm'))) {
    const [os, cpu, abi] = target.split('-');
    const libc = os === 'linux' ? { libc: [abi === 'gnu' ? 'glibc' : abi] } : {};
    const file = `flags-node.${target}.node`;
    const { description, engines, ...shell } = json(`pkg/node/npm/${target}/package.json`);
    assert.deepEqual(shell, {
      name: `${name}-${target}`,
      version,
      license,
      os: [os],
      cpu: [cpu],
      ...libc,
      files: [file],
      main: file,
    });
  }
});

test('every version is the one of the crates', () => {
  const [, version] = /^version = "(.+)"$/m.exec(readFileSync(join(root, 'Cargo.toml'), 'utf8'));
  for (const name of ['web', 'node']) assert.equal(json(`pkg/${name}/package.json`).version, version);
  const features = json('.flcm-core/features/package.json');
  const { '@flcm/flags-node': node, '@flcm/flags-web': web } = features.dependencies;
  assert.deepEqual([features.version, node, web], [version, version, version]);
  for (const name of ['openfeature-server', 'openfeature-web']) {
    const provider = json(`pkg/${name}/package.json`);
    assert.deepEqual([provider.version, provider.dependencies], [version, { '@flcm/features': version }]);
  }
});

for (const resolution of ['node16', 'bundler']) {
  test(`TypeScript consumers with moduleResolution ${resolution}`, () => {
    const folder = consumer(...packages, ...sdks);
    tool(folder, 'typescript/bin/tsc', '-p', `types/tsconfig.${resolution}.json`);
  });
}
