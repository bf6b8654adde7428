import * as host from '#host';
import type { Clock } from './clock.ts';
import type { Compilers } from './engine.ts';
import { FeatureError } from './errors.ts';
import type { Store } from './host/store.ts';
import { HttpSink, type Sink } from './metrics-collector/sinks.ts';
import { compile, FileSource, HttpSource, type Source } from './remote-config/source.ts';
import type { Trust } from './remote-config/trust.ts';
import type { RemoteOptions } from './remote-config.ts';
import { numberOf } from './schedule.ts';
import type { FeaturesOptions } from './types.ts';

/** Options, with what was left out filled in. */
export interface Settings {
  readonly initTimeoutMs: number;
  readonly pollIntervalMs: number;
  readonly fetchTimeoutMs: number;
  readonly maxBytes: number;
  readonly flushIntervalMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly store: Store | undefined;
}

const DEFAULTS = {
  initTimeoutMs: 2000,
  pollIntervalMs: 60_000,
  fetchTimeoutMs: 5000,
  maxBytes: 1 << 25,
  flushIntervalMs: 10_000,
  streamSilenceMs: 45_000,
  streamSpreadMs: 500,
};

/** Checks options: what is wrong with one is reported at once, with its name. */
export function settingsOf(options: FeaturesOptions): Settings {
  const { key, headers = {} } = options;
  for (const name of [...Object.keys(DEFAULTS), 'staleAfterMs'] as (keyof FeaturesOptions)[]) {
    const value = options[name];
    if (value === undefined || (typeof value === 'number' && value >= 0)) continue;
    throw invalid(`\`${name}\` must be a number from 0 on, not ${value}`);
  }
  const sources = (['url', 'documentUrl', 'file'] as const).filter((name) => options[name] !== undefined);
  if (sources.length > 1) throw invalid(`one source only: \`${sources.join('` or `')}\``);
  if (sources.length === 0 && options.document === undefined && options.snapshot === undefined) {
    throw invalid('name a source: `url`, `documentUrl`, `file`, `document` or `snapshot`');
  }
  return {
    ...pick(options),
    headers: { ...headers, ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    // Browsers refuse a `fetch` that was taken from its window.
    fetch: options.fetch ?? ((...request) => fetch(...request)),
    store: storeOf(options.cache ?? false),
  };
}

/** The source of flags. */
export function sourceOf(
  options: FeaturesOptions,
  settings: Settings,
  compilers: Compilers,
  clock: Clock,
): Source | undefined {
  const { url, documentUrl, file } = options;
  const { fetchTimeoutMs: timeoutMs, maxBytes, headers, fetch } = settings;
  const http = { clock, timeoutMs, maxBytes, headers, fetch, compilers };
  if (url !== undefined) return new HttpSource(below(url, 'flags'), { ...http, isServer: true });
  if (documentUrl !== undefined) return new HttpSource(absolute('documentUrl', documentUrl), http);
  return file === undefined ? undefined : new FileSource(file, http);
}

/** How the source is followed. */
export async function remoteOf(
  options: FeaturesOptions,
  settings: Settings,
  source: Source | undefined,
  compilers: Compilers,
  phase: number,
  trust: Trust | undefined,
): Promise<RemoteOptions> {
  const { url, document, snapshot, stream = true } = options;
  const { pollIntervalMs, store, fetch, fetchTimeoutMs: timeoutMs, headers } = settings;
  const silenceMs = options.streamSilenceMs ?? DEFAULTS.streamSilenceMs;
  const spreadMs = options.streamSpreadMs ?? DEFAULTS.streamSpreadMs;
  return {
    source,
    store,
    trust,
    pollIntervalMs,
    phase,
    bootstrap: snapshot ?? (document === undefined ? undefined : await compile('the document', document, compilers)),
    staleAfterMs: source
      ? (options.staleAfterMs ?? (3 * pollIntervalMs || Number.POSITIVE_INFINITY))
      : Number.POSITIVE_INFINITY,
    stream:
      url === undefined
        ? undefined
        : { url: below(url, 'flags/stream'), fetch, headers, silenceMs, spreadMs, timeoutMs },
    keepsStream: stream,
  };
}

/** Where counts go. */
export function sinksOf(
  { url, metrics = true, sinks = [], app }: FeaturesOptions,
  settings: Settings,
  clock: Clock,
): Sink[] {
  if (url === undefined || !metrics) return [...sinks];
  const { fetch, headers, fetchTimeoutMs: timeoutMs } = settings;
  const of = app && { app: app.name, version: app.version ?? '', sdk: 'features-js' };
  const query = new URLSearchParams({ ...of, revision: '' });
  return [new HttpSink(`${below(url, 'metrics')}?${query}`, fetch, headers, { clock, timeoutMs }), ...sinks];
}

/** The number of this host: as given, as it was stored, or drawn. */
export async function instanceOf(
  { instance }: FeaturesOptions,
  store: Store | undefined,
  clock: Clock,
): Promise<number> {
  if (instance !== undefined) {
    if (Number.isSafeInteger(instance) && instance >= 0) return instance;
    throw invalid(`\`instance\` must be a whole number below 2^53, not ${instance}`);
  }
  const drawn = numberOf(clock.random());
  try {
    const stored = await store?.get('instance');
    const number = stored === undefined ? Number.NaN : Number(new TextDecoder().decode(stored));
    if (Number.isSafeInteger(number) && number >= 0) return number;
    await store?.set('instance', new TextEncoder().encode(`${drawn}`));
  } catch {
    // The cache reports what is wrong with it when it is used for what matters.
  }
  return drawn;
}

function pick(options: FeaturesOptions): Omit<Settings, 'headers' | 'fetch' | 'store'> {
  const { initTimeoutMs, pollIntervalMs, fetchTimeoutMs, maxBytes, flushIntervalMs } = {
    ...DEFAULTS,
    ...defined(options),
  };
  return { initTimeoutMs, pollIntervalMs, fetchTimeoutMs, maxBytes, flushIntervalMs };
}

const defined = (options: FeaturesOptions): Partial<typeof DEFAULTS> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));

function storeOf(cache: NonNullable<FeaturesOptions['cache']>): Store | undefined {
  if (typeof cache === 'object') return cache;
  try {
    return host.openStore(cache);
  } catch (cause) {
    throw new FeatureError('INVALID_OPTIONS', (cause as Error).message, { cause });
  }
}

/** A path below a URL, which may have a path of its own. */
function below(url: string | URL, path: string): string {
  const base = absolute('url', url);
  return new URL(path, base.endsWith('/') ? base : `${base}/`).href;
}

function absolute(name: string, url: string | URL): string {
  const base = typeof document === 'undefined' ? undefined : document.baseURI;
  try {
    return new URL(url, base).href;
  } catch {
    throw invalid(`\`${name}\` must be a URL, not ${url}`);
  }
}

function invalid(message: string): FeatureError {
  return new FeatureError('INVALID_OPTIONS', message);
}
