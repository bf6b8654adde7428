import { readFileSync } from 'node:fs';
import { createPageEngine } from '@flcm/flags-web/page';
import { getCurrentTest } from 'vitest/suite';
import type { EarlyListeners, PageFeatures, PageOptions } from '../../../.flcm-core/features/page.ts';
import { createFeatures } from '../../../.flcm-core/features/page.ts';
import type { ManualClock } from '../../kit/clock.ts';
import { compiled } from '../../kit/server.ts';
import type { Host, HostOptions } from './host.ts';
import { withoutOption } from './page-left-out.ts';

const root = new URL('../../../', import.meta.url);
const module = new WebAssembly.Module(readFileSync(new URL('pkg/web/dist/flags-page.wasm', root)));

/** The small runtime of pages. What only the full one has answers as if there were nothing. */
export class PageHost implements Host {
  readonly remote: Host['remote'];
  readonly metrics: Host['metrics'];
  readonly breaker: Host['breaker'] = { state: () => undefined };
  readonly #features: PageFeatures;
  #trips: Readonly<Record<string, string>> = {};

  static async start(options: HostOptions, clock: ManualClock, listeners: EarlyListeners): Promise<PageHost> {
    const { document, cache, maxBytes, ...rest } = options;
    const reason = withoutOption(options);
    if (reason !== undefined) getCurrentTest()?.context.skip(`a page: ${reason}`);
    const given = { ...rest, engine: createPageEngine(module), clock } as PageOptions;
    // A page has no compiler: what is at hand is compiled.
    if (document !== undefined) Object.assign(given, { snapshot: compiled(document) });
    const features = await createFeatures(given, listeners);
    // A page decides before what it needs later is loaded. Tests step through time from then on.
    if (/fresh|offline/.test(features.remote.state)) await features.remote.settled;
    return new PageHost(features);
  }

  private constructor(features: PageFeatures) {
    this.#features = features;
    features.on('fleet', ({ trips }) => {
      this.#trips = trips;
    });
    this.remote = features.remote;
    this.metrics = { flush: () => features.metrics.flush(), summary: () => undefined };
  }

  get snapshot(): Host['snapshot'] {
    const { snapshot } = this.#features;
    return snapshot && { ...snapshot, flags: [] };
  }

  isEnabled(flag: string, user: string): boolean {
    return this.#features.isEnabled(flag, user);
  }

  decision(flag: string, user: string): ReturnType<Host['decision']> {
    return this.#features.decision(flag, user);
  }

  value(flag: string, fallback: string, user: string): unknown {
    return this.#features.value(flag, fallback, user);
  }

  /** A page explains nothing; the trips that take effect are those of the fleet. */
  explain(flag: string): { readonly trip: string | undefined } {
    return { trip: this.#trips[flag] ?? 'clear' };
  }

  for(user: { readonly targetingKey: string }): ReturnType<Host['for']> {
    const of = this.#features.for(user);
    return {
      isEnabled: (flag) => of.isEnabled(flag),
      record: () => getCurrentTest()?.context.skip('a page records what it runs, and nothing else'),
    };
  }

  on: Host['on'] = (event, listener) => this.#features.on(event, listener);

  close(): Promise<void> {
    return this.#features.close();
  }
}
