/** The page's side of the Worker. It is started when something asks first, and never needed to see anything. */

import { signal } from '@preact/signals';
import type { Engine, Scenario, Simulation } from '../engine.ts';
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

type Asked = (name: keyof Engine, args: readonly unknown[]) => Promise<never>;

const address = trusted(workerAddress);

interface Started {
  readonly ask: Asked;
  readonly end: () => void;
}

function startWorker(name: string): Started {
  const worker = new Worker(address, { type: 'module', name });
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
  const ask: Asked = (name, args) =>
    new Promise((resolve, reject) => {
      last += 1;
      waiting.set(last, { resolve, reject });
      worker.postMessage({ id: last, name, args } satisfies Call);
    });
  return { ask, end: () => worker.terminate() };
}

let asker: Asked | undefined;
let simulator: Asked | undefined;
let before: Promise<unknown> = Promise.resolve();

/**
 * Simulations take seconds: they have a Worker of their own, wait for each other, and those that nobody wants are left
 * out.
 */
function simulate(scenario: Scenario, signal?: AbortSignal): Promise<Simulation> {
  const next = before.then((): Promise<never> => {
    if (signal?.aborted) throw new DOMException('nobody waits for it', 'AbortError');
    simulator ??= startWorker('flcm-simulate').ask;
    return simulator('simulate', [scenario]);
  });
  before = next.catch(() => {});
  return next;
}

const started = new Proxy({ simulate } as Engine, {
  get(own, name: keyof Engine) {
    if (name === 'simulate') return own.simulate;
    return (...args: unknown[]) => {
      asker ??= startWorker('flcm').ask;
      return asker(name, args);
    };
  },
});

/** A Worker for one count: what else the page asks meanwhile does not mix with it, and it ends at any moment. */
export function startCount(): { readonly engine: Pick<Engine, 'diff' | 'count'>; readonly end: () => void } {
  const { ask, end } = startWorker('flcm-count');
  const engine = {
    diff: (...args: Parameters<Engine['diff']>) => ask('diff', args),
    count: (...args: Parameters<Engine['count']>) => ask('count', args),
  };
  return { engine, end };
}

export function engine(): Engine {
  return started;
}
