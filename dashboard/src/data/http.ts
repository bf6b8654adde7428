/** Requests to the server that this page came from. The browser sends the session's cookie; the page never sees it. */

import { signal } from '@preact/signals';
import { en } from '../words/en.ts';

/** An answer that is an error: problem details. `status` is 0 where there was no answer. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly help: string;
  /** Flags that a document would remove. */
  readonly flags: readonly string[];

  constructor(status: number, code: string, detail: string, help: string, flags: readonly string[] = []) {
    super(detail);
    this.status = status;
    this.code = code;
    this.help = help;
    this.flags = flags;
  }
}

/** Whether the server says that nobody is signed in; the sign-in page shows itself then. */
export const signedOut = signal(false);

interface ProblemBody {
  readonly title?: string;
  readonly detail?: string;
  readonly code?: string;
  readonly help?: string;
  readonly flags?: readonly string[];
}

async function problemOf(response: Response): Promise<Problem> {
  const body: ProblemBody = await response.json().catch(() => ({}));
  const detail = body.detail ?? body.title ?? `${response.status} ${response.statusText}`;
  return new Problem(response.status, body.code ?? 'UNKNOWN', detail, body.help ?? '', body.flags);
}

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, { credentials: 'same-origin', ...init });
  } catch {
    throw new Problem(0, 'NETWORK', en.errors.network, en.errors.networkHelp);
  }
  if (response.status === 401 && path !== '/session') signedOut.value = true;
  if (!response.ok && response.status !== 304) throw await problemOf(response);
  return response;
}

export async function get<T>(path: string): Promise<T> {
  return (await ask(path, { headers: { accept: 'application/json' } })).json();
}

/** A text with what identifies its revision. */
export async function getText(path: string): Promise<string> {
  return (await ask(path, { headers: { accept: 'application/yaml' } })).text();
}

/** Asks again only for what is not in hand yet. */
export class Cached<T> {
  readonly #path: string;
  #etag: string | null = null;
  #value: T | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What the server has; the same object as before if nothing changed. */
  async get(): Promise<T> {
    const headers = { accept: 'application/json', ...(this.#etag ? { 'if-none-match': this.#etag } : {}) };
    const response = await ask(this.#path, { headers });
    if (response.status !== 304 || this.#value === undefined) {
      this.#value = (await response.json()) as T;
      this.#etag = response.headers.get('etag');
    }
    return this.#value;
  }
}

export async function post<T>(path: string, body: unknown, more: Record<string, string> = {}): Promise<T | undefined> {
  const headers = { 'content-type': 'application/json', ...more };
  const response = await ask(path, { method: 'POST', headers, body: JSON.stringify(body) });
  return response.status === 204 ? undefined : response.json();
}

export async function remove(path: string): Promise<void> {
  await ask(path, { method: 'DELETE' });
}

export async function put<T>(path: string, text: string, headers: Record<string, string>): Promise<T> {
  const all = { 'content-type': 'application/yaml', ...headers };
  return (await ask(path, { method: 'PUT', headers: all, body: text })).json();
}
