// Writes what the project is made of, in CycloneDX, into a folder: `node deploy/sbom.js OUT`. `flcm.cdx.json` lists the
// crates in the program `flcm`, `npm.cdx.json` what the npm packages depend on.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
if (!process.argv[2]) throw new Error('name the folder: node deploy/sbom.js OUT');
const out = resolve(process.argv[2]);
const tool = join(resolve(root, process.env.CARGO_TARGET_DIR ?? 'target'), 'tools/bin/cargo-cyclonedx');
mkdirSync(out, { recursive: true });

// The tool writes a file beside the manifest of each crate of the workspace, whichever one is asked for.
const options = ['--format', 'json', '--spec-version', '1.5', '--override-filename', 'flcm.cdx', '--quiet'];
execFileSync(tool, ['cyclonedx', ...options], { cwd: root, stdio: 'inherit' });
renameSync(join(root, 'crates/flcm/flcm.cdx.json'), join(out, 'flcm.cdx.json'));
for (const path of readdirSync(root, { recursive: true })) {
  if (path.endsWith('/flcm.cdx.json') && !path.startsWith('target')) rmSync(join(root, path));
}

const npm = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--omit', 'dev'], {
  cwd: root,
  maxBuffer: 1 << 28,
});
writeFileSync(join(out, 'npm.cdx.json'), npm);
