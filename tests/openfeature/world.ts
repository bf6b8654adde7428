import type { FeaturesOptions } from '@flcm/features';
import type { EvaluationContext, EvaluationDetails, FlagValueType, JsonValue } from '@openfeature/core';
import type { Hook } from '@openfeature/server-sdk';
import { expect } from 'vitest';
import { ManualClock } from '../kit/clock.ts';
import { type Asked, document, type Level, NOBODY, type Side } from './sides.ts';

const PLACE = 'http://127.0.0.1:9/flags.yaml';

/** A source that never answers, and one that always fails. */
const silent: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => init?.signal?.addEventListener('abort', () => reject(init.signal?.reason)));
const failing: typeof fetch = async () => new Response('', { status: 503 });

/** Flags in each of the states that a provider may be in. */
const STATES: Readonly<Record<string, FeaturesOptions>> = {
  stable: { document },
  'not ready': { documentUrl: PLACE, fetch: silent },
  error: { documentUrl: PLACE, fetch: failing },
  fatal: { document: 'flags: { broken: { enabled: maybe } }' },
  stale: { document, documentUrl: PLACE, fetch: failing },
};

/** What has been called of a hook, with what. */
export type Calls = Map<string, EvaluationDetails<JsonValue> | undefined>;

/** What a scenario has said so far. */
export class World {
  readonly side: Side;
  readonly #engine: Pick<FeaturesOptions, 'engine' | 'compiler'>;
  readonly #clock = new ManualClock();
  #question: Pick<Asked, 'type' | 'key' | 'fallback'> = { type: 'boolean', key: 'boolean-flag', fallback: false };
  #details: EvaluationDetails<JsonValue> | undefined;
  context: EvaluationContext = NOBODY;
  readonly hooks: Hook[] = [];
  /** Of hooks of the client and of an evaluation, in their order. */
  readonly called: string[] = [];
  readonly calls: Calls = new Map();
  readonly contexts: Partial<Record<Level, EvaluationContext>> = {};
  merged: EvaluationContext | undefined;
  levels: readonly Level[] = [];
  /** Whether other work went on while a flag was evaluated. */
  wasFree = false;
  /** Kept to see whether it was changed. */
  untouched: EvaluationContext | undefined;

  constructor(side: Side, engine: Pick<FeaturesOptions, 'engine' | 'compiler'>) {
    this.side = side;
    this.#engine = engine;
  }

  get details(): EvaluationDetails<JsonValue> {
    if (this.#details === undefined) throw new Error('nothing was evaluated yet');
    return this.#details;
  }

  get isEvaluated(): boolean {
    return this.#details !== undefined;
  }

  get fallback(): JsonValue {
    return this.#question.fallback;
  }

  async provide(state: string): Promise<void> {
    const options = STATES[state];
    if (options === undefined) throw new Error(`no provider is known to be ${state}`);
    const given = { ...options, ...this.#engine, clock: this.#clock, metrics: false };
    // Whether that fails is seen in the status.
    const provided = this.side.provide(given).catch(() => {});
    if (state === 'not ready') return;
    await provided;
    if (state === 'stale') await expect.poll(() => this.side.status).toBe('STALE');
  }

  ask(type: FlagValueType, key: string, fallback: JsonValue): void {
    this.#question = { type, key, fallback };
  }

  async evaluate(): Promise<void> {
    this.#details = await this.side.evaluate(this.asked);
  }

  async merge(): Promise<void> {
    this.merged = await this.side.merged(this.contexts, this.asked);
  }

  get asked(): Asked {
    return { ...this.#question, context: this.context, hooks: this.hooks };
  }

  /** A hook that notes which of its stages are called. */
  hook(name: string): Hook {
    const note = (stage: string, details?: EvaluationDetails<JsonValue>) => {
      this.called.push(`${name} ${stage}`);
      this.calls.set(stage, details);
    };
    return {
      before: () => note('before'),
      after: (_, details) => note('after', details),
      error: () => note('error'),
      finally: (_, details) => note('finally', details),
    };
  }

  async close(): Promise<void> {
    const closed = this.side.close();
    // A source that is silent still is given up in the end.
    await this.#clock.pass(60_000);
    await closed;
    expect(this.#clock.waiting).toBe(0);
  }
}
