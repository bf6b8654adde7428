import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { Figures } from './figures.ts';

export const ROOT: string = fileURLToPath(new URL('../../..', import.meta.url));

/** `FLCM` names another program than the one that the recipe builds. */
export const FLCM: string = process.env.FLCM ?? resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target', 'debug/flcm');

/** How a server is started. */
export interface ServeOptions {
  /** Further arguments. */
  readonly args?: readonly string[];
  /** What the test itself asks with. */
  readonly key?: string;
  readonly protocol?: 'http' | 'https';
  /** Variables that are added to those of the test. */
  readonly env?: Record<string, string>;
}

/** Where a flag's breaker stands, as `GET /trips` has it; the part that is looked at. */
export interface FlagReport {
  readonly trip: string;
  readonly state?: string;
  readonly generation: number;
  readonly last?: { readonly event: string; readonly cause?: string };
  readonly hosts: readonly { readonly disagreement: string }[];
}

/** `flcm serve` in a process of its own, over a document in a folder of its own. Ends with the test. */
export class Server {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'flcm-server-'));
  readonly document: string = join(this.folder, 'flags.yaml');
  readonly #options: ServeOptions;
  #port = 0;
  #process: ChildProcess | undefined;

  constructor(options: ServeOptions = {}) {
    this.#options = options;
  }

  static async start(document: string, options: ServeOptions = {}): Promise<Server> {
    const server = new Server(options);
    server.edit(document);
    await server.start();
    onTestFinished(() => server.kill());
    return server;
  }

  get url(): string {
    return `${this.#options.protocol ?? 'http'}://127.0.0.1:${this.#port}`;
  }

  /** The number of its process. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** Starts it, where it was before if it ran before. */
  async start(): Promise<void> {
    const { args = [], env = {} } = this.#options;
    const child = spawn(FLCM, ['serve', this.document, '--listen', `127.0.0.1:${this.#port}`, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#process = child;
    const said: string[] = [];
    const port = new Promise<number>((found, failed) => {
      createInterface(child.stderr).on('line', (line) => {
        said.push(line);
        const [, port] = /listening on 127\.0\.0\.1:(\d+)/.exec(line) ?? [];
        if (port !== undefined) found(Number(port));
      });
      child.once('error', failed);
      child.once('exit', () => failed(new Error(`flcm serve has ended:\n${said.join('\n')}`)));
    });
    this.#port = await port;
  }

  /** Kills it, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** Ends it as the system does; answers its status. */
  async stop(): Promise<number | null> {
    const child = this.#process as ChildProcess;
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    return child.exitCode;
  }

  /** Loses everything that was kept. */
  lose(): void {
    for (const end of ['', '-wal', '-shm']) rmSync(this.document.replace(/yaml$/, `db${end}`), { force: true });
  }

  /** Edits the document, as editors do: another file takes its place. */
  edit(document: string): void {
    writeFileSync(`${this.document}.new`, document);
    renameSync(`${this.document}.new`, this.document);
  }

  /** Asks for a path with the test's key. */
  ask(path: string, request: RequestInit = {}): Promise<Response> {
    const { key } = this.#options;
    const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }), ...request.headers };
    return fetch(this.url + path, { ...request, headers });
  }

  /** Publishes a document with PUT. */
  async put(document: string): Promise<void> {
    const headers = { 'content-type': 'application/yaml', 'if-match': '*' };
    await ok(await this.ask('/flags', { method: 'PUT', headers, body: document }));
  }

  /** Does something to a flag, such as `hold`. */
  async command(flag: string, command: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ reason: 'a test' });
    await ok(await this.ask(`/flags/${flag}/${command}`, { method: 'POST', headers, body }));
  }

  /** Where the breaker of a flag stands. */
  async trip(flag: string): Promise<FlagReport | undefined> {
    const response = await ok(await this.ask('/trips'));
    return ((await response.json()) as { flags: Record<string, FlagReport> }).flags[flag];
  }

  /** What was measured. */
  async figures(): Promise<Figures> {
    return new Figures(await (await ok(await this.ask('/metrics'))).text());
  }
}

/** A file of keys. */
export function keysFile(lines: readonly object[]): string {
  const file = join(mkdtempSync(join(tmpdir(), 'flcm-keys-')), 'keys.json');
  writeFileSync(file, JSON.stringify(lines));
  return file;
}

/** A new key, and its line for the file of keys. */
export function mint(name: string, role: 'client' | 'server' | 'admin'): { key: string; line: object } {
  const [key, line] = execFileSync(FLCM, ['key', name, '--role', role], { stdio: 'pipe', encoding: 'utf8' }).split(
    '\n',
  );
  return { key: key ?? '', line: JSON.parse(line ?? '') };
}

async function ok(response: Response): Promise<Response> {
  if (response.ok) return response;
  throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
}
