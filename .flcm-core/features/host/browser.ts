/** What browsers and workers give. */

import type { Store } from './store.ts';

/** Local storage: read without waiting, so that a page decides at once. */
class LocalStore implements Store {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = `${prefix}:`;
  }

  async get(name: string): Promise<Uint8Array | undefined> {
    const text = localStorage.getItem(this.#prefix + name);
    return text === null ? undefined : Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  }

  async set(name: string, bytes: Uint8Array): Promise<void> {
    let text = '';
    // Functions take so many arguments and no more.
    for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
    localStorage.setItem(this.#prefix + name, btoa(text));
  }

  async delete(name: string): Promise<void> {
    localStorage.removeItem(this.#prefix + name);
  }

  async names(): Promise<readonly string[]> {
    const keys = Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at) ?? '');
    return keys.filter((key) => key.startsWith(this.#prefix)).map((key) => key.slice(this.#prefix.length));
  }
}

/** The store of an option; `undefined` for none, and in workers, which have no local storage. */
export function openStore(option: string | boolean): Store | undefined {
  if (option === false || typeof localStorage === 'undefined') return undefined;
  return new LocalStore(option === true ? 'flcm-flags' : option);
}

export function readFile(_file: string | URL, _maxBytes: number): Promise<Uint8Array> {
  return Promise.reject(new Error('a browser reads no files: use `url` or `documentUrl`'));
}

export function watchFile(..._options: unknown[]): () => void {
  return () => {};
}

export function elapsed(): number {
  return performance.now();
}

/** Calls back whenever the page goes out of sight: it may never come back, and no other event announces that. */
export function onHidden(listener: () => void): () => void {
  if (typeof document === 'undefined') return () => {};
  const hidden = () => {
    if (document.visibilityState === 'hidden') listener();
  };
  document.addEventListener('visibilitychange', hidden);
  addEventListener('pagehide', listener);
  return () => {
    document.removeEventListener('visibilitychange', hidden);
    removeEventListener('pagehide', listener);
  };
}

/**
 * Hands a body over to the browser, which sends it whatever becomes of the page; false when it does not. To another
 * origin it would come with cookies, which a server that needs none does not allow; the failure would go unnoticed.
 */
export function beacon(url: string, body: Blob): boolean {
  if (new URL(url).origin !== location.origin) return false;
  return typeof navigator.sendBeacon === 'function' && navigator.sendBeacon(url, body);
}
