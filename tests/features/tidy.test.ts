import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../.flcm-core/features');
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.startsWith('dist') && !file.includes('node_modules'))
  .map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));

/** Files, but for some, whose code has something. */
const having = (what: RegExp, but: RegExp) =>
  files.filter(({ file, text }) => !but.test(file) && what.test(withoutComments(text))).map(({ file }) => file);

const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');

test('files were found', () => {
  expect(files.length).toBeGreaterThan(20);
});

test('only the clock reads time, sets timers and draws numbers; what has elapsed, it reads from the host', () => {
  expect(having(/Date\.now|setTimeout|setInterval|setImmediate|Math\.random/, /^clock\.ts$/)).toEqual([]);
  expect(having(/performance\.|hrtime/, /^host\/(browser|node)\.ts$/)).toEqual([]);
});

test('only the engine is loaded by `engine`', () => {
  expect(having(/^import (?!type).*'@flcm\/flags-|import\('@flcm/m, /^engine\//)).toEqual([]);
});

test('only what is for Node alone imports from Node', () => {
  expect(having(/'node:/, /^(host|engine)\/node\.ts$/)).toEqual([]);
});

test('no file decides: nothing hashes, and no reason is written', () => {
  expect(having(/TARGETING_MATCH|'SPLIT'|BREAKER_OPEN|PREREQUISITE|siphash|murmur|fnv/i, /^$/)).toEqual([]);
});

test('files are at most 300 lines of code long', () => {
  const lines = (text: string) =>
    withoutComments(text)
      .split('\n')
      .filter((line) => line.trim() !== '').length;
  expect(files.filter(({ text }) => lines(text) > 300).map(({ file }) => file)).toEqual([]);
});
