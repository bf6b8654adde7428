import { readFileSync } from 'node:fs';
import { createPageEngine } from '@flcm/flags-web/page';
import { getCurrentTest } from 'vitest/suite';
import type { EarlyListeners, PageFeatures, PageOptions } from '../../../.flcm-core/features/page.ts';
import { createFeatures } from '../../../.flcm-core/features/page.ts';
import type { ManualClock } from '../../kit/clock.ts';
import type { Host, HostOptions } from './host.ts';

const root = new URL('../../../', import.meta.url);
const module = new WebAssembly.Module(readFileSync(new URL('pkg/web/dist/flags-page.wasm', root)));

/** Options that only other hosts have: a test of one is left out. */
const OTHERS = ['cache', 'document', 'documentUrl', 'file', 'maxBytes', 'trust', 'audience', 'strict', 'sinks', 'app'];

/** The small runtime of pages. What only the full one has answers as if there were nothing. */
export class PageHost implements Host {
  readonly remote: Host['remote'];
  readonly metrics: Host['metrics'];
  readonly breaker: Host['breaker'] = { state: () => undefined };
  readonly #features: PageFeatures;

  static async start(options: HostOptions, clock: ManualClock, listeners: EarlyListeners): Promise<PageHost> {
    const other = OTHERS.find((name) => name in options);
    if (other !== undefined) getCurrentTest()?.context.skip(`a page has no \`${other}\``);
    if (options.metrics !== false) getCurrentTest()?.context.skip('the server of these tests takes no counts of pages');
    const given = { ...options, engine: createPageEngine(module), clock } as PageOptions;
    const features = await createFeatures(given, listeners);
    // A page decides before what it needs later is loaded. Tests step through time from then on.
    if (/fresh|offline/.test(features.remote.state)) await features.remote.settled;
    return new PageHost(features);
  }

  private constructor(features: PageFeatures) {
    this.#features = features;
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

  explain(): { readonly trip: string | undefined } {
    getCurrentTest()?.context.skip('a page explains nothing');
    return { trip: undefined };
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
