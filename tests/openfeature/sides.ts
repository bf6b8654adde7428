import { readFileSync } from 'node:fs';
import type { Decision, FeatureFlagManager, FeaturesOptions } from '@flcm/features';
import * as ours from '@flcm/openfeature-server';
import * as ourWeb from '@flcm/openfeature-web';
import type { EvaluationContext, EvaluationDetails, FlagValueType, JsonValue } from '@openfeature/core';
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

/** An SDK with our provider. */
export interface Side {
  /** Begins with a provider; failing is not thrown, but seen in the status. */
  provide(options: FeaturesOptions): Promise<void>;
  readonly status: string;
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

  async provide(options: FeaturesOptions): Promise<void> {
    this.#provider = new ServerProvider(options);
    await server.OpenFeature.setProviderAndWait('scenario', this.#provider).catch(() => {});
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
  }
}

export class WebSide implements Side {
  readonly #client = web.OpenFeature.getClient('scenario');
  #provider: WebProvider | undefined;
  #context: EvaluationContext = NOBODY;

  async provide(options: FeaturesOptions): Promise<void> {
    this.#provider = new WebProvider(options);
    await web.OpenFeature.setProviderAndWait('scenario', this.#provider).catch(() => {});
  }

  get status(): string {
    return this.#client.providerStatus;
  }

  addHook(hook: server.Hook): void {
    this.#client.addHooks(hook as web.Hook);
  }

  async evaluate({ type, key, fallback, context, hooks }: Asked): Promise<EvaluationDetails<JsonValue>> {
    // One for all evaluations, until it is another one.
    if (context !== this.#context) await web.OpenFeature.setContext('scenario', context);
    this.#context = context;
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
  }
}
