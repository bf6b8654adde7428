// Where guides are tried: a folder inside the repository, so that its packages are found from there.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { Guide } from './guide.js';

export { FlagServer } from '../kit/server.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
mkdirSync(join(root, 'target'), { recursive: true });
export const scratch = mkdtempSync(join(root, 'target/snippets-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let guides = 0;

/** A guide, with its files written. */
export function written(markdown) {
  const guide = new Guide(markdown, join(scratch, `${++guides}`));
  guide.write();
  return guide;
}

/** What the compiler says of the files in a folder; nothing when they are sound. */
export function complaints(folder) {
  const compilerOptions = { allowJs: true, checkJs: true, jsx: 'react-jsx', paths: {}, isolatedDeclarations: false };
  const config = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['**/*'], exclude: ['**/.*'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  try {
    execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder]);
    return '';
  } catch (error) {
    return `${error.stdout}${error.stderr}`;
  }
}
