/** The page's side of the Worker. It is started when something asks first, and never needed to see anything. */

import { signal } from '@preact/signals';
import type { Engine } from '../engine.ts';
import workerAddress from './worker.ts?worker&url';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
}

export interface Call {
  readonly id: number;
  readonly name: keyof Engine;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Why the engine could not be started. */
export const engineFailure = signal<string | undefined>(undefined);

interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** The page's policy lets a script make a Worker's address only through a policy of this name. */
function trusted(address: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  return trustedTypes?.createPolicy('flcm', { createScriptURL: (url) => url }).createScriptURL(address) ?? address;
}

function startWorker(): Engine {
  const worker = new Worker(trusted(workerAddress), { type: 'module', name: 'flcm' });
  const waiting = new Map<number, Waiting>();
  let last = 0;
  worker.onmessage = ({ data }: MessageEvent<Answer>) => {
    const { resolve, reject } = waiting.get(data.id) ?? {};
    waiting.delete(data.id);
    if (data.error === undefined) resolve?.(data.value as never);
    else reject?.(new Error(data.error));
  };
  worker.onerror = (event) => {
    engineFailure.value = event.message;
    for (const { reject } of waiting.values()) reject(new Error(event.message));
    waiting.clear();
  };
  const call = (name: keyof Engine, args: readonly unknown[]) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, name, args } satisfies Call);
    });
  return new Proxy({} as Engine, { get: (_, name: keyof Engine) => (...args: unknown[]) => call(name, args) });
}

let started: Engine | undefined;

export function engine(): Engine {
  started ??= startWorker();
  return started;
}
