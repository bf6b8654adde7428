// What runs the files of a guide: Node, a page in Chromium, or a worker as edge hosts have it.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { createServer } from 'vite';
import { launch } from '../kit/browser.js';

/** How long to wait, in milliseconds: what happens is real, processes, sockets, and polls once a second. */
export const patience = { ms: 60_000 };

/** Asks until the answer is the one that was waited for, and answers the last one. */
export async function until(ask, holds) {
  const end = performance.now() + patience.ms;
  for (;;) {
    const answer = await ask();
    if (holds(answer) || performance.now() > end) return answer;
    await sleep(20);
  }
}

/** Makes a file of a guide a program of one file. */
async function bundle(folder, name, options) {
  const outfile = join(folder, '.run', `${basename(name)}.mjs`);
  const common = { bundle: true, format: 'esm', target: 'es2022', jsx: 'automatic', logLevel: 'silent' };
  await build({ absWorkingDir: folder, entryPoints: [name], outfile, ...common, ...options });
  return outfile;
}

/** A program in Node. What it prints, errors too, is one text, in its order. */
export class NodeProgram {
  #folder;
  #env;
  #child;
  #end;

  constructor(folder, env) {
    this.#folder = folder;
    this.#env = env;
  }

  get #file() {
    return join(this.#folder, '.run/output');
  }

  get isRunning() {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  output() {
    return readFileSync(this.#file, 'utf8');
  }

  async start(name) {
    const script = await bundle(this.#folder, name, { platform: 'node', packages: 'external' });
    this.run('--test-reporter=spec', script);
  }

  run(...args) {
    const file = openSync(this.#file, 'w');
    const env = { ...process.env, NO_COLOR: '1', ...this.#env };
    // What vitest adds is not there where a reader runs it.
    for (const name of [
      'NODE_ENV',
      'TEST',
      'VITEST',
      'VITEST_MODE',
      'VITEST_POOL_ID',
      'VITEST_WORKER_ID',
      'FORCE_COLOR',
    ])
      delete env[name];
    this.#child = spawn(process.execPath, args, { cwd: this.#folder, env, stdio: ['ignore', file, file] });
    closeSync(file);
    this.#end = new Promise((resolve) => this.#child.once('close', resolve));
  }

  /** Waits for the program's own end; answers how it ended, and `undefined` if it does not. */
  async ended() {
    return Promise.race([this.#end, sleep(patience.ms, undefined, { ref: false })]);
  }

  async stop() {
    this.#child?.kill('SIGKILL');
    await this.#end;
  }
}

/** Browsers ask for an icon by themselves. */
const noIcon = {
  name: 'no-icon',
  configureServer: ({ middlewares }) =>
    void middlewares.use('/favicon.ico', (_, response) => response.writeHead(204).end()),
};

/** A page, served as a reader serves it, in Chromium. What it prints is what is to be read on it. */
export class Page {
  #folder;
  #server;
  #browser;
  #page;
  #problems = [];

  constructor(folder) {
    this.#folder = folder;
  }

  get isRunning() {
    return this.#page !== undefined;
  }

  async output() {
    return [`${await this.#page.locator('body').innerText()}\n`, ...this.#problems].join('');
  }

  async start(name) {
    this.#server = await createServer({
      root: this.#folder,
      configFile: false,
      cacheDir: join(this.#folder, '.vite'),
      logLevel: 'error',
      server: { host: '127.0.0.1', port: 0 },
      plugins: [noIcon],
    });
    await this.#server.listen();
    this.#browser = await launch();
    const page = await this.#browser.newPage();
    page.on('pageerror', (error) => this.#problems.push(`${error}\n`));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#problems.push(`${message.text()}\n`);
    });
    await page.goto(`http://127.0.0.1:${this.#server.httpServer.address().port}/${name}`);
    this.#page = page;
  }

  async stop() {
    await this.#browser?.close();
    await this.#server?.close();
    this.#page = undefined;
  }
}

/** A worker as edge hosts have it: modules are compiled by the host, and nothing else may compile. What it prints are answers to `curl`. */
export class Worker extends NodeProgram {
  #folder;
  #answers = '';

  constructor(folder, env) {
    super(folder, env);
    this.#folder = folder;
  }

  async start(name) {
    const conditions = ['workerd', 'worker', 'browser'];
    const external = ['@flcm/flags-web/flags-compact.wasm'];
    const script = await bundle(this.#folder, name, { platform: 'browser', conditions, external });
    this.run(
      '--disallow-code-generation-from-strings',
      fileURLToPath(new URL('worker-host.js', import.meta.url)),
      script,
    );
  }

  /** Asks what a line of the shell asks. */
  async ask(line) {
    const url = /^curl '?(http:[^']*)'?$/.exec(line)?.[1];
    if (!url) throw new Error(`a worker is asked by \`curl\`, not by \`${line}\``);
    const { pathname, search } = new URL(url);
    const origin = await until(() => super.output().split('\n')[0], Boolean);
    try {
      const response = await fetch(new URL(pathname + search, origin));
      this.#answers += await response.text();
    } catch (error) {
      this.#answers += `${error.cause ?? error}\n`;
    }
  }

  output() {
    const said = super.output().split('\n').slice(1).join('\n');
    return this.#answers + said;
  }
}
