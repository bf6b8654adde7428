import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { launch } from '../../kit/browser.js';
import type { Agent } from './agent.ts';
import { ROOT } from './serve.ts';

type Method = keyof Agent;

/** What an agent answers. */
type AnswerOf<M extends Method> = Awaited<ReturnType<Agent[M]>>;

/** An agent somewhere else. */
export interface Host {
  readonly name: string;
  call<M extends Method>(method: M, ...args: Parameters<Agent[M]>): Promise<AnswerOf<M>>;
}

const AGENT = join(ROOT, 'tests/server/kit/agent.ts');

/** What an agent is bundled from, as an application would do it; of the sources as they are now. */
async function bundled(entry: string, platform: 'node' | 'browser'): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: `import { Agent } from ${JSON.stringify(AGENT)};\n${entry}`, resolveDir: ROOT },
    alias: { '@flcm/features': join(ROOT, '.flcm-core/features/index.ts') },
    outfile: 'agent.mjs',
    bundle: true,
    format: 'esm',
    platform,
    external: platform === 'node' ? ['@flcm/flags-*'] : [],
    write: false,
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

const ON_NODE = `
  const agent = new Agent();
  process.on('message', async ({ id, method, args }) => {
    const answer = agent[method](...args).then((answer) => ({ answer }), (error) => ({ error: String(error) }));
    process.send({ id, ...(await answer) });
  });
  process.on('disconnect', () => process.exit());
`;

/** Beside the agent what speaks OpenFeature's protocol, as its packages are. */
const ON_PAGE = `
  import { OpenFeature } from '@openfeature/web-sdk';
  import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
  Object.assign(globalThis, { agent: new Agent(), OpenFeature, OFREPWebProvider });
`;

let program: Promise<string> | undefined;

async function programOf(): Promise<string> {
  // Where modules of the repository are found.
  const folder = join(ROOT, 'node_modules/.cache/flcm-server', `${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'agent.mjs');
  writeFileSync(file, await bundled(ON_NODE, 'node'));
  return file;
}

/** A process of Node. Ends with the test. */
export class NodeHost implements Host {
  readonly name: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (said: { answer?: unknown; error?: string }) => void>();
  #asked = 0;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.#process = child;
    child.on('message', ({ id, ...said }: { id: number }) => this.#waiting.get(id)?.(said));
  }

  static async start(name: string, env: Record<string, string> = {}): Promise<NodeHost> {
    program ??= programOf();
    const child = fork(await program, { env: { ...process.env, ...env }, execArgv: [] });
    onTestFinished(() => void child.kill('SIGKILL'));
    await once(child, 'spawn');
    return new NodeHost(name, child);
  }

  async call<M extends Method>(method: M, ...args: Parameters<Agent[M]>): Promise<AnswerOf<M>> {
    const id = this.#asked++;
    this.#process.send({ id, method, args });
    const said = await new Promise<{ answer?: unknown; error?: string }>((done) => this.#waiting.set(id, done));
    this.#waiting.delete(id);
    if (said.error !== undefined) throw new Error(`${this.name}: ${said.error}`);
    return said.answer as AnswerOf<M>;
  }
}

/** A page of Chromium. */
export class PageHost implements Host {
  readonly name: string;
  readonly page: Page;

  constructor(name: string, page: Page) {
    this.name = name;
    this.page = page;
  }

  async call<M extends Method>(method: M, ...args: Parameters<Agent[M]>): Promise<AnswerOf<M>> {
    const call = (said: string): Promise<unknown> => {
      const { agent } = globalThis as unknown as { agent: Record<string, (...args: unknown[]) => Promise<unknown>> };
      const [method, args] = JSON.parse(said) as [string, unknown[]];
      return agent[method]?.(...args) ?? Promise.reject(new Error(`an agent does not ${method}`));
    };
    return (await this.page.evaluate(call, JSON.stringify([method, args]))) as AnswerOf<M>;
  }
}

/** Serves the page, which is of another origin than the server of flags, and opens it in a browser that starts when it is first needed. */
export class Pages {
  /** The origin of pages; under the name `localhost` the same ones are of another. */
  origin = '';
  #port = 0;
  #browser: Promise<Browser> | undefined;
  #server = createServer((request, response) => {
    const [type, body] = this.#files.get(request.url ?? '') ?? ['', ''];
    if (type === '') response.writeHead(404).end();
    else response.writeHead(200, { 'content-type': type }).end(body);
  });
  readonly #files = new Map<string, readonly [type: string, body: string | Uint8Array]>();

  async start(): Promise<void> {
    const icon = '<!doctype html><link rel="icon" href="data:,">';
    const script = await bundled(ON_PAGE, 'browser');
    this.#files.set('/', ['text/html', `${icon}<script type="module" src="/agent.js"></script>`]);
    this.#files.set('/elsewhere', ['text/html', icon]);
    this.#files.set('/agent.js', ['text/javascript', script]);
    const wasm = join(ROOT, 'pkg/web/dist/flags-compact.wasm');
    this.#files.set('/flags-compact.wasm', ['application/wasm', readFileSync(pathToFileURL(wasm))]);
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    this.origin = `http://127.0.0.1:${this.#port}`;
  }

  /** A page with an agent, with storage of its own. Ends with the test. */
  async open(name: string, options: BrowserContextOptions & { as?: string } = {}): Promise<PageHost> {
    const { as = '127.0.0.1', ...of } = options;
    this.#browser ??= launch();
    const context = await (await this.#browser).newContext(of);
    onTestFinished(() => context.close());
    const page = await context.newPage();
    await page.goto(`http://${as}:${this.#port}/`);
    await page.waitForFunction('globalThis.agent');
    return new PageHost(name, page);
  }

  async close(): Promise<void> {
    await (await this.#browser)?.close();
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
