import * as host from '#host';
import type { Compilers } from '../engine.ts';
import { FeatureError } from '../errors.ts';
import { featureError } from '../events.ts';
import { type Bounds, bodyOf, statusError, timed } from './request.ts';

/** What a source has given. */
export interface FetchResult {
  /** Left out when nothing is newer than what has this ETag. */
  readonly snapshot?: Uint8Array;
  readonly etag: string | undefined;
  /** What was signed of the snapshot, or of the one in use. */
  readonly statements?: string | undefined;
  /**
   * Where keys are pinned, and this was checked: to be called when it is in use. Answers whether it is to be stored,
   * also without a snapshot.
   */
  readonly accept?: (() => boolean) | undefined;
}

/** Where flags come from. */
export interface Source {
  /** Names it in the cache and in errors. */
  readonly name: string;
  /**
   * Gives what there is.
   *
   * @param etag The ETag of what is in use; left out when anything is to be given.
   * @param revision The revision of what is in use, for a server that must not publish below it.
   * @throws FeatureError
   */
  get(etag: string | undefined, closing: AbortSignal, revision?: bigint): Promise<FetchResult>;
  /** Calls back when there may be something new. Answers how to stop that. */
  watch?(changed: () => void, failed: (error: unknown) => void): () => void;
}

/** What an HTTP source needs besides its URL. */
export interface HttpOptions extends Omit<Bounds, 'closing'> {
  readonly fetch: typeof fetch;
  readonly headers: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  readonly compilers: Compilers;
  /** Whether it is a server of flags. Other web servers need not allow a header that pages send to those. */
  readonly isServer?: boolean;
}

/** The media type of snapshots. */
export const SNAPSHOT_TYPE = 'application/vnd.flcm.snapshot';

/** A URL that is asked. */
export class HttpSource implements Source {
  readonly name: string;
  readonly #options: HttpOptions;

  constructor(url: string, options: HttpOptions) {
    this.name = url;
    this.#options = options;
  }

  async get(etag: string | undefined, closing: AbortSignal, revision?: bigint): Promise<FetchResult> {
    return timed({ ...this.#options, closing }, (signal) => this.#ask(etag, signal, revision));
  }

  async #ask(etag: string | undefined, signal: AbortSignal, revision: bigint | undefined): Promise<FetchResult> {
    const { clock, maxBytes, compilers, isServer } = this.#options;
    const accept = `${SNAPSHOT_TYPE}, application/json;q=0.5, application/yaml;q=0.5, */*;q=0.1`;
    const headers = {
      ...this.#options.headers,
      accept,
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(isServer && revision ? { 'flcm-revision': `${revision}` } : {}),
    };
    // What the platform's own cache has was never accepted here.
    const response = await this.#options.fetch(this.name, { headers, signal, cache: 'no-store' });
    const statements = response.headers.get('flcm-signature') ?? undefined;
    if (response.status === 304) {
      if (etag !== undefined) return { etag, statements };
      throw new FeatureError('NOT_MODIFIED', `${this.name} answered 304, although it was not asked for changes`);
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      throw statusError(response, this.name, clock.now());
    }
    const body = await bodyOf(response, maxBytes);
    const type = response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    const kind = kindOf(type, new URL(response.url || this.name).pathname);
    const snapshot = await snapshotOf(this.name, body, kind, compilers);
    return { snapshot, etag: response.headers.get('etag') ?? undefined, statements };
  }
}

/** What a body is taken for. */
type Kind = 'snapshot' | 'document' | 'page';

function kindOf(type: string | undefined, path: string): Kind {
  // Beside a snapshot is a file of statements, whatever a web server takes it for.
  if (type === SNAPSHOT_TYPE || path.endsWith('.sig')) return 'snapshot';
  if (type === 'text/html') return 'page';
  if (type !== undefined && /json|yaml|text\//.test(type)) return 'document';
  return /\.(ya?ml|json)$/i.test(path) ? 'document' : 'snapshot';
}

/** A body as a snapshot: compiled, when it is a document. */
async function snapshotOf(name: string, body: Uint8Array, kind: Kind, compilers: Compilers): Promise<Uint8Array> {
  if (body.length === 0) throw new FeatureError('EMPTY', 'nothing is in the body');
  if (kind === 'page') throw new FeatureError('WRONG_TYPE', 'the body is a page, and no flags: check the URL');
  return kind === 'snapshot' ? body : compile(name, body, compilers);
}

/** A document as a snapshot. One without a single line is refused: it is a file in the making. */
export async function compile(name: string, document: string | Uint8Array, compilers: Compilers): Promise<Uint8Array> {
  const text = typeof document === 'string' ? document : decoded(document);
  if (text.trim() === '') throw new FeatureError('EMPTY', 'nothing is in the document');
  const { snapshot, report } = (await compilers.load()).compile(text);
  if (snapshot == null) {
    const placed = report.replaceAll(' --> document:', ` --> ${name}:`);
    throw new FeatureError('INVALID_DOCUMENT', `${name} is not used:\n${placed}`);
  }
  return snapshot;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new FeatureError('WRONG_TYPE', 'the document is no UTF-8 text', { cause });
  }
}

/** What a file needs besides its name. */
export type FileOptions = Pick<HttpOptions, 'clock' | 'compilers' | 'maxBytes'>;

/** A file that is watched. */
export class FileSource implements Source {
  readonly name: string;
  readonly #file: string | URL;
  readonly #options: FileOptions;

  constructor(file: string | URL, options: FileOptions) {
    this.#file = file;
    this.name = `${file}`;
    this.#options = options;
  }

  async get(): Promise<FetchResult> {
    const { maxBytes, compilers } = this.#options;
    const bytes = await host.readFile(this.#file, maxBytes).catch((error) => {
      throw featureError('FILE_FAILED', this.name, error);
    });
    return { snapshot: await snapshotOf(this.name, bytes, kindOf(undefined, this.name), compilers), etag: undefined };
  }

  watch(changed: () => void, failed: (error: unknown) => void): () => void {
    const { after } = this.#options.clock;
    let cancel = () => {};
    const settled = () => {
      cancel();
      cancel = after(SETTLE_MS, changed);
    };
    const stop = host.watchFile(this.#file, settled, failed, after);
    return () => {
      cancel();
      stop();
    };
  }
}

/** A save is several events. */
const SETTLE_MS = 50;
