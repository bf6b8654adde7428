/** `flcm demo`: what it prints, and the dashboard at the address that it prints, while it runs. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, onTestFinished, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { FLCM, ROOT } from '../server/kit/serve.ts';
import { DIST } from './kit/served.ts';

const FLAG = 'v2_mentor_layer';
const FOLDER = join(ROOT, 'target/walk');

/** The demo without a terminal, which ends by itself; what it has printed. */
function demo(): { printed: string[]; address: Promise<string>; ended: Promise<unknown[]> } {
  const child = spawn(FLCM, ['demo', '--dashboard', DIST], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  const printed: string[] = [];
  const ended = once(child, 'exit');
  const address = new Promise<string>((found, failed) => {
    createInterface(child.stdout).on('line', (line) => {
      printed.push(line);
      const [, url] = /^dashboard (\S+)$/.exec(line) ?? [];
      if (url) found(url);
    });
    ended.then(() => failed(new Error(printed.join('\n'))));
  });
  return { printed, address, ended };
}

test('the demo prints the address of its dashboard, which shows the rollback as it happens', async () => {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await launch();
  onTestFinished(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1440, height: 960 } });
  const { printed, address, ended } = demo();
  expect(await address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/ui\/$/);
  await page.goto(await address);
  const row = page.getByRole('row', { name: new RegExp(FLAG) });
  await row.getByText('of 50\u202f%').waitFor();
  await page.getByText('2 hosts').first().waitFor();
  await row.getByText(/^Rolled back/).waitFor();
  await page.screenshot({ path: join(FOLDER, 'demo.png') });
  await row.getByText(/^Rolled back/).waitFor({ state: 'detached' });
  expect(await ended).toEqual([0, null]);
  expect(printed.filter((line) => line.startsWith('→'))).toHaveLength(4);
  console.log(printed.join('\n'));
});
