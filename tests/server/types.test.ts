import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { FLCM, ROOT } from './kit/serve.ts';

const DOCUMENT = `
flags:
  beta: {}
  layout: { variants: [{ name: wide, weight: 1, value: { columns: 3 } }] }
  limit: { default: 5, on: 10 }
  theme: { default: light, on: dark }
`;

/** What an application asks; what is expected to be wrong must be, or the compiler complains. */
const asksOf = (sdk: string) => `
import { OpenFeature } from '${sdk}';

const client = OpenFeature.getClient();
await client.getBooleanValue('beta', false);
await client.getStringValue('theme', 'light');
await client.getNumberDetails('limit', 5);
await client.getObjectValue('layout', { columns: 1 });
await client.getBooleanDetails('layout', false);
// @ts-expect-error: no flag is called so
await client.getBooleanValue('gamma', false);
// @ts-expect-error: the flag serves booleans
await client.getStringValue('beta', 'light');
// @ts-expect-error: the flag serves texts
await client.getNumberDetails('theme', 1);
// @ts-expect-error: the flag serves numbers
await client.getObjectValue('limit', {});
// @ts-expect-error: the fallback is of another type
await client.getNumberValue('limit', 'many');
// @ts-expect-error: what else the package declares is there as well, and says that a context is an object
await OpenFeature.setContext('alice');
`;

const HOOKS = `
import { useFlag, useNumberFlagValue } from '@openfeature/react-sdk';

useFlag('theme', 'light');
useFlag('layout', { columns: 1 });
useNumberFlagValue('limit', 5);
// @ts-expect-error: no flag is called so
useFlag('gamma', 'light');
// @ts-expect-error: the flag serves texts
useNumberFlagValue('theme', 1);
`;

test("OpenFeature's clients take the keys of a document, each for its type, and no others", () => {
  // Inside the repository, so that the packages are found.
  const folder = mkdtempSync(join(ROOT, 'target/types-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const keys = execFileSync(FLCM, ['types', '-', '--for', 'openfeature'], { input: DOCUMENT });
  writeFileSync(join(folder, 'openfeature.d.ts'), keys);
  writeFileSync(join(folder, 'service.ts'), asksOf('@openfeature/server-sdk'));
  writeFileSync(join(folder, 'page.ts'), asksOf('@openfeature/web-sdk'));
  writeFileSync(join(folder, 'component.ts'), HOOKS);
  const config = {
    extends: join(ROOT, 'tsconfig.json'),
    compilerOptions: { skipLibCheck: true, paths: {} },
    include: ['*'],
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ ...config, exclude: [] }));
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  expect(`${stdout}${stderr}`).toBe('');
});
