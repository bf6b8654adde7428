import type { PageEngine } from '@flcm/flags-web';
import { systemClock } from '../clock.ts';
import { FeatureError } from '../errors.ts';
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
  | 'metrics'
  | 'flushIntervalMs'
  | 'instance'
  | 'clock'
  | 'fetch';

/** What a page is to follow. */
export interface PageOptions extends Pick<FeaturesOptions, Shared> {
  /** A server of flags. */
  readonly url: string | URL;
  /** What decides. @default the small engine, fetched */
  readonly engine?: PageEngine;
}

/** Options with what was left out. */
export interface Settings extends Required<Omit<PageOptions, 'key' | 'snapshot' | 'engine' | 'instance'>> {
  readonly url: string;
  readonly snapshot: Uint8Array | undefined;
  readonly engine: PageEngine | undefined;
  /** Drawn when it is needed first. */
  instance: number;
}

/** @throws FeatureError `INVALID_OPTIONS` */
export function settingsOf({ key, url, ...given }: PageOptions): Settings {
  const { clock = systemClock, pollIntervalMs = 60_000 } = given;
  const settings: Record<string, unknown> = {
    snapshot: undefined,
    engine: undefined,
    headers: {},
    initTimeoutMs: 2000,
    pollIntervalMs,
    fetchTimeoutMs: 5000,
    staleAfterMs: 3 * pollIntervalMs || Number.POSITIVE_INFINITY,
    stream: true,
    streamSilenceMs: 45_000,
    streamSpreadMs: 500,
    metrics: true,
    flushIntervalMs: 10_000,
    instance: -1,
    clock,
    // Browsers refuse a `fetch` that was taken from its window.
    fetch: (...request: Parameters<typeof fetch>) => fetch(...request),
  };
  for (const [name, value] of Object.entries(given)) {
    if (!(name in settings)) throw invalid(name, 'needs `@flcm/features`');
    if (value === undefined) continue;
    if (/Ms$|^instance$/.test(name) && !((value as number) >= 0)) throw invalid(name, 'must be 0 or more');
    settings[name] = value;
  }
  if (key !== undefined) settings.headers = { ...given.headers, authorization: `Bearer ${key}` };
  try {
    // A server may have a path of its own, with or without a slash behind it.
    settings.url = new URL(url, globalThis.document?.baseURI).href.replace(/\/?$/, '/');
  } catch {
    throw invalid('url', `must be a URL, not ${url}`);
  }
  return settings as unknown as Settings;
}

function invalid(name: string, is: string): FeatureError {
  return new FeatureError('INVALID_OPTIONS', `\`${name}\` ${is}`);
}
