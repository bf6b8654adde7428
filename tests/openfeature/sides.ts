import { readFileSync } from 'node:fs';
import type { Decision, FeatureFlagManager, FeaturesOptions } from '@flcm/features';
import * as ours from '@flcm/openfeature-server';
import * as ourWeb from '@flcm/openfeature-web';
import {
  ClientProviderEvents,
  type EvaluationContext,
  type EvaluationDetails,
  type EventDetails,
  type FlagValueType,
  type JsonValue,
  ServerProviderEvents,
  type TrackingEventDetails,
} from '@openfeature/core';
import * as server from '@openfeature/server-sdk';
import * as web from '@openfeature/web-sdk';

/** Flags of the scenarios. */
export const document: string = readFileSync(new URL('flags.yaml', import.meta.url), 'utf8');

/** What the scenarios add to an evaluation. */
export interface Asked {
  readonly type: FlagValueType;
  readonly key: string;
  readonly fallback: JsonValue;
  readonly context: EvaluationContext;
  readonly hooks: readonly server.Hook[];
}

/** Levels of context, each of which the next one overrules. */
export type Level = 'API' | 'Transaction' | 'Client' | 'Invocation' | 'Before Hooks';

/** The context of a scenario that has said nothing of it. */
export const NOBODY: EvaluationContext = {};

/** What either provider is made of. */
export type Given = FeaturesOptions | FeatureFlagManager;

/** What happens to flags, as the SDK tells it: which have changed, or else what was said. */
export type Heard = readonly [event: string, details: readonly string[] | string | undefined];

/** An SDK with our provider. */
export interface Side {
  /** Begins with a provider. */
  provide(given: Given): Promise<void>;
  /** Begins with several, each asked for the flags that those before do not have. */
  provideAll(...given: Given[]): Promise<void>;
  readonly provider: { readonly features: FeatureFlagManager | undefined };
  readonly status: string;
  /** From now on. */
  listen(): Heard[];
  track(name: string, context: EvaluationContext, details?: TrackingEventDetails): Promise<void>;
  addHook(hook: server.Hook): void;
  evaluate(asked: Asked): Promise<EvaluationDetails<JsonValue>>;
  /** Gives contexts to the levels, and evaluates; answers what has come to the provider. */
  merged(contexts: Partial<Record<Level, EvaluationContext>>, asked: Asked): Promise<EvaluationContext | undefined>;
  close(): Promise<void>;
}

/** Our provider, which keeps the context that was decided for. */
class ServerProvider extends ours.FlcmProvider {
  seen: EvaluationContext | undefined;

  protected override decide(features: FeatureFlagManager, flag: string, context: EvaluationContext): Decision {
    this.seen = context;
    return super.decide(features, flag, context);
  }
}

class WebProvider extends ourWeb.FlcmProvider {
  seen: EvaluationContext | undefined;

  protected override decide(features: FeatureFlagManager, flag: string, context: EvaluationContext): Decision {
    this.seen = context;
    return super.decide(features, flag, context);
  }
}

export class ServerSide implements Side {
  readonly #client = server.OpenFeature.getClient('scenario');
  #provider: ServerProvider | undefined;

  async provide(given: Given): Promise<void> {
    this.#provider = new ServerProvider(given);
    await server.OpenFeature.setProviderAndWait('scenario', this.#provider);
  }

  async provideAll(...given: Given[]): Promise<void> {
    const providers = given.map((each) => ({ provider: new ServerProvider(each) }));
    await server.OpenFeature.setProviderAndWait('scenario', new server.MultiProvider(providers));
  }

  get provider(): ServerProvider {
    return known(this.#provider);
  }

  listen(): Heard[] {
    return listen((hear) => {
      for (const event of Object.values(ServerProviderEvents)) this.#client.addHandler(event, hear(event));
    });
  }

  async track(name: string, context: EvaluationContext, details?: TrackingEventDetails): Promise<void> {
    this.#client.track(name, context, details);
  }

  get status(): string {
    return this.#client.providerStatus;
  }

  addHook(hook: server.Hook): void {
    this.#client.addHooks(hook);
  }

  evaluate({ type, key, fallback, context, hooks }: Asked): Promise<EvaluationDetails<JsonValue>> {
    const options = { hooks: [...hooks] };
    const client = this.#client;
    if (type === 'boolean') return client.getBooleanDetails(key, fallback as boolean, context, options);
    if (type === 'string') return client.getStringDetails(key, fallback as string, context, options);
    if (type === 'number') return client.getNumberDetails(key, fallback as number, context, options);
    return client.getObjectDetails(key, fallback, context, options);
  }

  async merged(
    contexts: Partial<Record<Level, EvaluationContext>>,
    asked: Asked,
  ): Promise<EvaluationContext | undefined> {
    const { OpenFeature } = server;
    OpenFeature.setTransactionContextPropagator(new server.AsyncLocalStorageTransactionContextPropagator());
    OpenFeature.setContext(contexts.API ?? {});
    this.#client.setContext(contexts.Client ?? {});
    const before = contexts['Before Hooks'];
    if (before) this.addHook({ before: () => before });
    await new Promise<void>((resolve, reject) => {
      OpenFeature.setTransactionContext(contexts.Transaction ?? {}, () => {
        this.evaluate({ ...asked, context: contexts.Invocation ?? {} }).then(() => resolve(), reject);
      });
    });
    return this.#provider?.seen;
  }

  async close(): Promise<void> {
    server.OpenFeature.setContext({});
    await server.OpenFeature.clearProviders();
    server.OpenFeature.clearHandlers();
  }
}

export class WebSide implements Side {
  readonly #client = web.OpenFeature.getClient('scenario');
  #provider: WebProvider | undefined;
  #context: EvaluationContext = NOBODY;

  async provide(given: Given): Promise<void> {
    this.#provider = new WebProvider(given);
    await web.OpenFeature.setProviderAndWait('scenario', this.#provider);
  }

  async provideAll(...given: Given[]): Promise<void> {
    const providers = given.map((each) => ({ provider: new WebProvider(each) }));
    await web.OpenFeature.setProviderAndWait('scenario', new web.MultiProvider(providers));
  }

  get provider(): WebProvider {
    return known(this.#provider);
  }

  listen(): Heard[] {
    return listen((hear) => {
      for (const event of Object.values(ClientProviderEvents)) this.#client.addHandler(event, hear(event));
    });
  }

  async track(name: string, context: EvaluationContext, details?: TrackingEventDetails): Promise<void> {
    await this.#ask(context);
    this.#client.track(name, details);
  }

  get status(): string {
    return this.#client.providerStatus;
  }

  addHook(hook: server.Hook): void {
    this.#client.addHooks(hook as web.Hook);
  }

  async evaluate({ type, key, fallback, context, hooks }: Asked): Promise<EvaluationDetails<JsonValue>> {
    await this.#ask(context);
    const options = { hooks: hooks as readonly web.Hook[] as web.Hook[] };
    const client = this.#client;
    if (type === 'boolean') return client.getBooleanDetails(key, fallback as boolean, options);
    if (type === 'string') return client.getStringDetails(key, fallback as string, options);
    if (type === 'number') return client.getNumberDetails(key, fallback as number, options);
    return client.getObjectDetails(key, fallback, options);
  }

  async merged(
    contexts: Partial<Record<Level, EvaluationContext>>,
    asked: Asked,
  ): Promise<EvaluationContext | undefined> {
    await web.OpenFeature.setContext(contexts.API ?? {});
    await this.evaluate(asked);
    return this.#provider?.seen;
  }

  async close(): Promise<void> {
    await web.OpenFeature.clearProviders();
    await web.OpenFeature.clearContexts();
    web.OpenFeature.clearHandlers();
  }

  /** There is one context for all evaluations, until it is another one. */
  async #ask(context: EvaluationContext): Promise<void> {
    if (context !== this.#context) await web.OpenFeature.setContext('scenario', context);
    this.#context = context;
  }
}

function known<T>(provider: T | undefined): T {
  if (provider === undefined) throw new Error('no provider was given yet');
  return provider;
}

/** Events of flags, from now on: what the SDK says at once is about before. */
function listen(add: (hear: (event: string) => (details?: EventDetails) => void) => void): Heard[] {
  const heard: Heard[] = [];
  let isNow = false;
  add((event) => (details) => {
    const { flagsChanged, message } = (details ?? {}) as { flagsChanged?: string[]; message?: string };
    const isOfFlags = !/CONTEXT|RECONCILING/.test(event);
    if (isNow && isOfFlags) heard.push([event.replace('PROVIDER_', ''), flagsChanged?.toSorted() ?? message]);
  });
  isNow = true;
  return heard;
}
