import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { launch } from '../kit/browser.js';
import { ROOT, Server } from './kit/serve.ts';

/** What somebody sees, and since when in milliseconds since 1970: of forty users how many have the new checkout, and the banner. */
interface Seen {
  readonly at: number;
  readonly on: number;
  readonly banner: string;
}

/** Somebody who follows the flags through OpenFeature. */
interface Follower {
  readonly name: string;
  /** Waits until something is seen; answers since when. */
  sees(holds: (seen: Seen) => boolean): Promise<number>;
}

const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');
const DOCUMENT = readFileSync(join(ROOT, 'examples/openfeature/flags.yaml'), 'utf8');

/** A service of `examples/openfeature`. Ends with the test. */
class Service implements Follower {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #seen: Seen[] = [];
  /** What was seen before is past. */
  #from = 0;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    createInterface(child.stdout).on('line', (line) => this.#seen.push(JSON.parse(line) as Seen));
    onTestFinished(() => void child.kill('SIGKILL'));
    this.#child = child;
  }

  async sees(holds: (seen: Seen) => boolean): Promise<number> {
    const find = () => this.#seen.findIndex((seen, at) => at >= this.#from && holds(seen));
    await expect.poll(find, { timeout: 60_000, interval: 5, message: this.name }).toBeGreaterThanOrEqual(0);
    this.#from = find();
    return this.#seen[this.#from]?.at ?? 0;
  }

  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`);
  }

  /** Ends as it does when nobody tells it anything any more; answers its status, and how often it has decided. */
  async ends(): Promise<{ code: unknown; decisions: number }> {
    this.#child.stdin?.end();
    const [code] = await once(this.#child, 'close');
    const { decisions } = this.#seen.at(-1) as unknown as { decisions: number };
    return { code, decisions };
  }
}

/** The page of `examples/react`, on which there is one user. */
class ReactPage implements Follower {
  readonly name = 'page';
  readonly #page: Page;

  constructor(page: Page) {
    this.#page = page;
  }

  async sees(holds: (seen: Seen) => boolean): Promise<number> {
    const look = async (): Promise<boolean> => {
      const [banner, button] = await Promise.all(['h1', '#buy'].map((of) => this.#page.textContent(of)));
      return holds({ at: 0, on: button === 'Buy with one click' ? 40 : 0, banner: banner ?? '' });
    };
    await expect.poll(look, { timeout: 60_000, interval: 5, message: this.name }).toBe(true);
    return Date.now();
  }
}

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** Serves the page; answers where. */
async function pages(): Promise<string> {
  const script = join(ROOT, 'examples/react/serve.js');
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  return /http:\S+/.exec(line as string)?.[0] ?? '';
}

async function opened(url: string): Promise<ReactPage> {
  const page = await browser.newPage();
  onTestFinished(() => page.close());
  await page.goto(`${await pages()}?server=${encodeURIComponent(url)}`);
  await page.waitForSelector('#buy');
  return new ReactPage(page);
}

test('a service in Node, one in Rust and a page of React follow one server: change, rollback, recovery', async () => {
  const server = await Server.start(DOCUMENT);
  const node = new Service('Node', process.execPath, [join(ROOT, 'examples/openfeature/service.js'), server.url]);
  const rust = new Service('Rust', join(TARGET, 'debug/examples/service'), [server.url]);
  const followers: Follower[] = [node, rust, await opened(server.url)];
  /** Does something, after which all of them see something; prints when, in milliseconds. */
  const reach = async (what: string, act: () => void, holds: (seen: Seen) => boolean): Promise<number> => {
    const start = Date.now();
    act();
    const times = await Promise.all(followers.map((follower) => follower.sees(holds)));
    const took = times.map((time) => time - start);
    console.log(`${what}: ${followers.map(({ name }, at) => `${name} ${took[at]} ms`).join(', ')}`);
    return Math.max(...took);
  };
  await Promise.all(followers.map((follower) => follower.sees(({ banner }) => banner === 'Welcome to the new shop')));

  const changed = DOCUMENT.replace('percentage: 50 }', 'percentage: 100 }').replace('the new shop', 'our newest shop');
  const all = ({ on, banner }: Seen) => on === 40 && banner === 'Welcome to our newest shop';
  await reach('change', () => server.edit(changed), all);
  // The Rust service alone fails: what the others do is the fleet's doing.
  expect(
    await reach(
      'rollback',
      () => rust.tell('fail 1'),
      ({ on }) => on === 0,
    ),
  ).toBeLessThan(10_000);
  // Three seconds until it is tried again; the host whose own breaker tripped as well waits half a minute longer, behind the fleet's.
  await reach('recovery', () => rust.tell('fail 0'), all);

  const ended = await Promise.all([node.ends(), rust.ends()]);
  expect(ended.map(({ code }) => code)).toEqual([0, 0]);
  const decided = Object.entries((await server.figures()).counted('checkout_v2'));
  const total = decided.reduce((sum, [line, count]) => sum + (line.startsWith('flcm_decisions') ? count : 0), 0);
  // What they sent last is there; the page has decided as well.
  expect(total).toBeGreaterThanOrEqual(ended.reduce((sum, { decisions }) => sum + decisions, 0));
}, 120_000);
