import type { PageEngine } from '@flcm/flags-web';
import { type Clock, systemClock } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { Events } from '../events.ts';
import { numberOf } from '../schedule.ts';
import type { FeaturesOptions } from '../types.ts';

/** The options that the small runtime has. Each means what it means in the full one. */
type Shared =
  | 'key'
  | 'headers'
  | 'snapshot'
  | 'initTimeoutMs'
  | 'pollIntervalMs'
  | 'fetchTimeoutMs'
  | 'staleAfterMs'
  | 'stream'
  | 'streamSilenceMs'
  | 'streamSpreadMs'
  | 'flushIntervalMs'
  | 'instance'
  | 'clock'
  | 'fetch';

/** What a page is to follow. */
export interface PageOptions extends Pick<FeaturesOptions, Shared> {
  /** A server of flags. */
  readonly url: string | URL;
  /** Whether decisions and outcomes are counted, and sent to `{url}/metrics`. @default false */
  readonly metrics?: boolean;
  /** What decides. @default the small engine, fetched */
  readonly engine?: PageEngine;
}

/** Options with what was left out, and what all parts need. */
export interface Settings extends Required<Omit<PageOptions, 'key' | 'snapshot' | 'engine' | 'staleAfterMs'>> {
  readonly staleAfterMs: number;
  readonly snapshot: Uint8Array | undefined;
  readonly engine: PageEngine | undefined;
  readonly url: string;
  readonly events: Events;
  /** Ends whatever is under way. */
  readonly closing: AbortSignal;
  readonly close: () => void;
}

/** @throws FeatureError `INVALID_OPTIONS` */
export function settingsOf({ key, ...options }: PageOptions): Settings {
  const closing = new AbortController();
  const { clock = systemClock as Clock, pollIntervalMs = 60_000 } = options;
  const defaults = {
    snapshot: undefined,
    engine: undefined,
    initTimeoutMs: 2000,
    pollIntervalMs,
    fetchTimeoutMs: 5000,
    staleAfterMs: 3 * pollIntervalMs || Number.POSITIVE_INFINITY,
    stream: true,
    streamSilenceMs: 45_000,
    streamSpreadMs: 500,
    metrics: false,
    flushIntervalMs: 10_000,
    instance: numberOf(clock.random()),
    clock,
    // Browsers refuse a `fetch` that was taken from its window.
    fetch: (...request: Parameters<typeof fetch>) => fetch(...request),
  };
  for (const [name, value] of Object.entries(options)) {
    const given = typeof value;
    if (name === 'url' || name === 'headers') continue;
    if (!(name in defaults)) throw invalid(`\`${name}\` needs the full runtime: import \`@flcm/features\``);
    const wanted = typeof defaults[name as keyof typeof defaults];
    if (value === undefined || wanted === 'undefined') continue;
    if (given !== wanted || (value as number) < 0) {
      throw invalid(`\`${name}\` must be a ${wanted}${wanted === 'number' ? ' from 0 on' : ''}, not ${value}`);
    }
  }
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return {
    ...defaults,
    ...given,
    headers: { ...options.headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    url: baseOf(options.url),
    events: new Events(),
    closing: closing.signal,
    close: () => closing.abort(),
  } as Settings;
}

/** The URL of a server with a slash behind it: it may have a path of its own. */
function baseOf(url: string | URL): string {
  try {
    return new URL(url, globalThis.document?.baseURI).href.replace(/\/?$/, '/');
  } catch {
    throw invalid(`\`url\` must be a URL, not ${url}`);
  }
}

function invalid(message: string): FeatureError {
  return new FeatureError('INVALID_OPTIONS', message);
}
