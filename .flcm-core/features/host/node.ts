/** What Node gives. */

import { randomUUID } from 'node:crypto';
import { createReadStream, watch } from 'node:fs';
import { mkdir, open, readFile as read, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FeatureError } from '../errors.ts';
import type { Store } from './store.ts';

/**
 * Files of a folder. Whatever happens, a file is as it was before or as it is to be: it is written beside, and renamed.
 */
class FolderStore implements Store {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    try {
      return await read(join(this.#folder, name));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  async set(name: string, bytes: Uint8Array): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    // Several processes may share the folder, and several threads or stores of one.
    const beside = join(this.#folder, `.${name}.${randomUUID()}`);
    try {
      const file = await open(beside, 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, join(this.#folder, name));
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
  }

  async delete(name: string): Promise<void> {
    await rm(join(this.#folder, name), { force: true });
  }

  async names(): Promise<readonly string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    return names.filter((name) => !name.startsWith('.'));
  }
}

/** The store of an option; `undefined` for none. */
export function openStore(option: string | boolean): Store | undefined {
  if (option === false || option === '') return undefined;
  if (option === true) throw new TypeError('`cache` must name a folder in Node, such as `.cache/flags`');
  return new FolderStore(option);
}

const pathOf = (file: string | URL): string => resolve(file instanceof URL ? fileURLToPath(file) : file);

/** Reads a file; at most one byte more than `maxBytes`, and nothing where the system knows that it has more. */
export async function readFile(file: string | URL, maxBytes: number): Promise<Uint8Array> {
  const path = pathOf(file);
  const parts: Buffer[] = [];
  let length = (await stat(path)).size;
  if (length <= maxBytes) {
    // It may grow meanwhile, and the system does not know the length of everything.
    const end = Math.min(Math.floor(maxBytes), Number.MAX_SAFE_INTEGER);
    for await (const part of createReadStream(path, { end })) parts.push(part);
    length = parts.reduce((sum, part) => sum + part.length, 0);
  }
  if (length > maxBytes) throw new FeatureError('TOO_LARGE', `${file} has more than ${maxBytes} bytes`);
  return Buffer.concat(parts);
}

/**
 * How often a file is polled. The system may send no notifications: for a network disk, or for a folder that is made
 * later.
 */
const POLL_MS = 5000;

/**
 * Calls back when a file may have changed. Its folder is watched, because editors replace the file by a new one; where
 * the system sends no notifications, a poll notices the change.
 */
export function watchFile(
  file: string | URL,
  changed: () => void,
  failed: (error: unknown) => void,
  after: (ms: number, callback: () => void) => () => void,
): () => void {
  const path = pathOf(file);
  let known: string | undefined;
  let isStopped = false;
  let cancelPoll = () => {};
  const look = async (isNotified: boolean) => {
    const stamp = await stampOf(path);
    if (isStopped) return;
    if (isNotified || (known !== undefined && stamp !== known)) changed();
    known = stamp;
  };
  const poll = async () => {
    await look(false);
    if (!isStopped) cancelPoll = after(POLL_MS, () => void poll());
  };
  void poll();
  const stopWatching = watchFolder(path, () => void look(true), failed);
  return () => {
    isStopped = true;
    cancelPoll();
    stopWatching();
  };
}

function watchFolder(path: string, changed: () => void, failed: (error: unknown) => void): () => void {
  try {
    const watcher = watch(dirname(path), { persistent: false }, (_, name) => {
      if (name === null || name === basename(path)) changed();
    });
    watcher.on('error', failed);
    return () => watcher.close();
  } catch (error) {
    failed(error);
    return () => {};
  }
}

/** When a file was written last, and its size; empty for no file. */
async function stampOf(path: string): Promise<string> {
  const file = await stat(path).catch(() => undefined);
  return file ? `${file.mtimeMs} ${file.size}` : '';
}

/**
 * Milliseconds since some moment. `performance` would be loaded first, which takes longer than deciding a thousand
 * flags.
 */
export function elapsed(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

/** A process has no moment at which it is hidden. */
export function onHidden(_listener: () => void): () => void {
  return () => {};
}

export function beacon(_url: string, _body: Blob): boolean {
  return false;
}
