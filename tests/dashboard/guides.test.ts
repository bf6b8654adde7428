/** The guides to the dashboard: the words that they name are on the page, and their commands run. */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { FLCM, ROOT } from '../server/kit/serve.ts';

const GUIDES = ['roll-out-in-the-dashboard', 'stop-a-failing-feature', 'run-the-dashboard'];
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const guide = (name: string): string => read(`docs/how-to/${name}.md`);
const WORDS = 'dashboard/src/words/en';
const words = [`${WORDS}.ts`, ...readdirSync(join(ROOT, WORDS)).map((name) => `${WORDS}/${name}`)]
  .map(read)
  .join('')
  .toLowerCase();

const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(/^```(\w+)\n(.*?)^```/gms)].filter(([, own]) => own === language).map(([, , block]) => block ?? '');

test.each(GUIDES)('the words of the page that %s names are on the page', (name) => {
  const named = [...guide(name).matchAll(/\*\*([^*]+)\*\*/g)].map(([, word]) => (word ?? '').replaceAll(/\s+/g, ' '));
  const isOnPage = (word: string) => /^\d+$/.test(word) || words.includes(word.toLowerCase());
  expect(named.length).toBeGreaterThan(0);
  expect(named.filter((word) => !isOnPage(word))).toEqual([]);
});

test('pictures are there and small, and each is shown', () => {
  const shown = ['README.md', ...GUIDES.map((name) => `docs/how-to/${name}.md`)].flatMap((path) =>
    [...read(path).matchAll(/!\[[^\]]+\]\((?:\.\.|docs)\/pictures\/([\w-]+\.png)\)/g)].map(([, file]) => file ?? ''),
  );
  const taken = read('dashboard/dev/pictures.js');
  const files = [...taken.matchAll(/name: '([\w-]+)',\s+path/g)].map(([, name]) => `${name}.png`);
  expect(new Set(shown)).toEqual(new Set(files));
  const sizes = files.map((file) => statSync(join(ROOT, 'docs/pictures', file)).size);
  expect(Math.max(...sizes)).toBeLessThan(120_000);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(600_000);
});

/** A folder as a reader has it: the document of the first guide, a certificate, and keys. */
function folder(): string {
  const at = mkdtempSync(join(tmpdir(), 'flcm-guides-'));
  onTestFinished(() => rmSync(at, { recursive: true }));
  const [document] = blocks(guide('roll-out-in-the-dashboard'), 'yaml');
  writeFileSync(join(at, 'feature-flags.yaml'), document ?? '');
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const files = ['-keyout', 'key.pem', '-out', 'cert.pem', '-subj', '/CN=localhost'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...files], { cwd: at, stdio: 'pipe' });
  return at;
}

const bash = (command: string, cwd: string): string =>
  execFileSync('bash', ['-euc', command.replaceAll(/^flcm /gm, `${FLCM} `)], { cwd, encoding: 'utf8', stdio: 'pipe' });

/** Starts a server by a command of a guide, at a port of its own; answers where it is. */
async function serve(command: string, cwd: string): Promise<string> {
  const own = command.replace(/ --listen \S+/, '').replace(/^flcm serve/, `exec ${FLCM} serve --listen 127.0.0.1:0`);
  const child = spawn('bash', ['-euc', own], { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => void child.kill());
  const logged: string[] = [];
  const address = new Promise<string>((found, failed) => {
    createInterface(child.stderr).on('line', (line) => {
      logged.push(line);
      const [, address] = /listening on (\S+)/.exec(line) ?? [];
      if (address) found(address);
    });
    child.once('exit', () => failed(new Error(`${command}${logged.join('\n')}`)));
  });
  const at = await address;
  onTestFinished(async () => {
    child.kill();
    if (child.exitCode === null) await once(child, 'exit');
  });
  return at;
}

const commands = GUIDES.flatMap((name) => blocks(guide(name), 'sh').map((block) => block.replaceAll(/\\\n */g, '')));

/** The lines of keys that the guide's commands print. */
function makeKeys(cwd: string): { readonly [name: string]: string } {
  const block = commands.find((command) => command.startsWith('flcm key')) ?? '';
  const made = block
    .trimEnd()
    .split('\n')
    .map((line) => bash(line, cwd).split('\n'));
  const lines = made.map(([, line]) => JSON.parse(line ?? ''));
  writeFileSync(join(cwd, 'keys.json'), JSON.stringify(lines));
  return Object.fromEntries(lines.map(({ name }, at) => [name, made[at]?.[0] ?? '']));
}

test('the commands that start a server start one', async () => {
  const cwd = folder();
  makeKeys(cwd);
  const lines = commands
    .flatMap((block) => block.trimEnd().split('\n'))
    .filter((line) => line.startsWith('flcm serve'));
  expect(lines).toHaveLength(6);
  // Each with a database of its own, because one is for one server.
  for (const [at, line] of lines.entries()) {
    const address = await serve(`${line} --database ${at}.db`, cwd);
    if (!line.includes('--tls-cert')) expect((await fetch(`http://${address}/ui/`)).status).toBe(200);
  }
});

test('people sign in with the keys, hold a flag from the shell, and the backup is sound', async () => {
  const cwd = folder();
  const keys = makeKeys(cwd);
  const address = await serve('flcm serve feature-flags.yaml --keys keys.json', cwd);
  const signIn = async (key: string | undefined) => {
    const headers = { 'content-type': 'application/json', 'sec-fetch-site': 'same-origin' };
    return (await fetch(`http://${address}/session`, { method: 'POST', headers, body: JSON.stringify({ key }) }))
      .status;
  };
  const { vera, olaf, anna, ada, shop } = keys;
  expect(await Promise.all([vera, olaf, anna, ada].map(signIn))).toEqual([204, 204, 204, 204]);
  expect(await signIn(shop)).toBe(403);
  const hold = commands.find((command) => command.startsWith('flcm hold')) ?? '';
  bash(hold.replace(/https:\S+/, `http://${address} `).replace(/^flcm/, `FLCM_KEY=${olaf} ${FLCM}`), cwd);
  const backup = commands.find((command) => command.startsWith('sqlite3')) ?? '';
  bash(backup, cwd);
  expect(existsSync(join(cwd, 'backup.db'))).toBe(true);
});
