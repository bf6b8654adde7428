// A guide, tried as a reader tries it: its files are written, its programs run, and what they print is what it says.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { blocksOf, isLike } from './blocks.js';
import { NodeProgram, Page, until, Worker } from './programs.js';

const isPage = (name) => name.endsWith('.html');

/** The document that the servers of a guide serve. */
const DOCUMENT = 'flags.yaml';

export class Guide {
  /** Where its files are written. */
  folder;
  #blocks;
  /** The program that the next output is of, and whether none was of it yet. */
  #entry = { name: '', words: [], isNew: false };
  #program;
  /** What the program has printed according to the guide. */
  #told = '';
  /** The last block for the shell. */
  #shell = '';
  #used = new Set();
  #servers = [];
  #env = {};

  /**
   * @param {string} markdown
   * @param {string} folder
   */
  constructor(markdown, folder) {
    this.folder = folder;
    this.#blocks = blocksOf(markdown);
  }

  /** What is not run: the blocks for the shell, but for those that ask a worker. */
  get notRun() {
    return this.#blocks
      .filter(({ kind, text }) => kind === 'shell' && !text.startsWith('curl '))
      .map(({ text }) => text.trim());
  }

  /** Writes all files, as they are at first. */
  write() {
    mkdirSync(join(this.folder, '.run'), { recursive: true });
    for (const { name, text } of this.#blocks.toReversed()) if (name) writeFileSync(join(this.folder, name), text);
  }

  /**
   * Does what the guide says, from top to bottom.
   *
   * @param {{ start(document: string): Promise<{ url: string, publish(document: string): void, kill(): Promise<void> }> }} flagServer
   */
  async follow(flagServer) {
    try {
      await this.#serve(flagServer);
      for (const block of this.#blocks) await this.#do(block);
      await this.#finish();
    } finally {
      await this.#program?.stop();
      await this.#stopServers();
    }
    const code = this.#blocks.filter(({ kind }) => kind === 'code').map(({ name }) => name);
    const unused = code.filter((name) => !this.#isUsed(name));
    assert.deepEqual(unused, [], 'no program of the guide uses these files');
  }

  async #do({ kind, name, words, text, line }) {
    if (kind === 'output') return this.#compare(words, text, line);
    if (kind === 'shell') this.#shell = text.trim();
    else if (kind === 'code' || isPage(name)) await this.#begin(name, words);
    else this.#put(name, text);
  }

  /** The last of several files is the program, unless one of them is a page. */
  async #begin(name, words) {
    await this.#finish();
    if (this.#entry.isNew && isPage(this.#entry.name)) this.#used.add(name);
    else this.#entry = { name, words, isNew: true };
  }

  /** A file that is written anew is an edit, while the program runs. */
  #put(name, text) {
    const file = join(this.folder, name);
    if (readFileSync(file, 'utf8') === text) return;
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
    if (name === DOCUMENT) for (const server of this.#servers) server.publish?.(text);
  }

  async #compare(words, text, line) {
    const { name } = this.#entry;
    if (words.includes('without-server')) await this.#stopServers();
    if (!this.#program?.isRunning) {
      this.#program = this.#programOf();
      this.#told = '';
      this.#used.add(name);
      await this.#program.start(name);
    }
    this.#entry.isNew = false;
    if (this.#program instanceof Worker) for (const each of this.#shell.split('\n')) await this.#program.ask(each);
    this.#told = isPage(name) ? text : this.#told + text;
    const isTold = (output) => isLike(output, this.#told);
    if (words.includes('running') || !this.#program.ended) {
      assertLike(await until(() => this.#program.output(), isTold), this.#told, `${name}, line ${line}`);
      return;
    }
    const code = await this.#program.ended();
    assertLike(await this.#program.output(), this.#told, `${name}, line ${line}`);
    assert.equal(code, 0, `${name}: it did not end well`);
  }

  #programOf() {
    const { name, words } = this.#entry;
    if (isPage(name)) return new Page(this.folder);
    return new (words.includes('worker') ? Worker : NodeProgram)(this.folder, this.#env);
  }

  /** Stops a program that runs on; it has printed nothing that the guide does not say. */
  async #finish() {
    if (!this.#program?.isRunning) return;
    const output = await this.#program.output();
    await this.#program.stop();
    assertLike(output, this.#told, this.#entry.name);
  }

  #isUsed(name) {
    const stem = name.replace(/\.\w+$/, '');
    const imports = new RegExp(`['"]\\./${stem}(\\.\\w+)?['"]`);
    return this.#used.has(name) || this.#blocks.some((other) => other.name !== name && imports.test(other.text));
  }

  /** What stands in for a server of flags is at `FLAGS_URL`, and any web server over the folder at `DOCUMENT_URL`. */
  async #serve(flagServer) {
    const mentions = (name) => this.#blocks.some(({ text }) => text.includes(name));
    if (mentions('FLAGS_URL')) {
      const server = await flagServer.start(readFileSync(join(this.folder, DOCUMENT), 'utf8'));
      this.#servers.push(server);
      this.#env.FLAGS_URL = server.url;
    }
    if (mentions('DOCUMENT_URL')) {
      const server = await serve(this.folder);
      this.#servers.push(server);
      this.#env.DOCUMENT_URL = `${server.url}/${DOCUMENT}`;
    }
  }

  async #stopServers() {
    for (const server of this.#servers.splice(0)) await server.kill();
  }
}

function assertLike(output, expected, where) {
  if (!isLike(output, expected)) assert.equal(output, expected, `${where}: what is printed is not what the guide says`);
}

/** Any web server over a folder. */
async function serve(folder) {
  const server = createServer((request, response) => {
    response.setHeader('content-type', 'text/yaml').end(readFileSync(join(folder, request.url)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const kill = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}`, kill };
}
