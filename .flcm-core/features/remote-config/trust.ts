/**
 * Which snapshots a host takes whose application has pinned keys. Only those applications load this file, so it imports
 * no value that others need as well. The rules are those of the crate `flcm-flags-host`, where they are explained.
 */

import type { Clock } from '../clock.ts';
import type { FeatureError, FeatureErrorCode } from '../errors.ts';
import type { Events } from '../events.ts';
import type { InUse } from '../in-use.ts';
import type { FeaturesOptions } from '../types.ts';
import type { FetchResult, Source } from './source.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** What a statement says of a snapshot, as far as it is not checked at once. */
export interface Statement {
  readonly epoch: number;
  readonly revision: bigint;
  readonly issued: number;
  readonly expires: number;
  /** SHA-512 of the snapshot. */
  readonly sha512: string;
  /** The text that it was in, to be stored. */
  readonly text: string;
}

/** Why a snapshot is not taken, in the order in which it is checked. */
const DISTRUST = {
  missing: 'the snapshot is not signed: sign it, and let proxies pass the header `flcm-signature`',
  malformed: 'the signature of the snapshot cannot be read',
  'unknown key': 'no key of `trust` has signed the snapshot: compare the pins with those of the signer',
  'bad signature': 'the signature of the snapshot is not that of its key',
  'other audience': 'the snapshot is signed for another audience than `audience`',
  'other bytes': 'the snapshot is not the one that was signed',
};

/** A reason as words. */
export type Distrust = keyof typeof DISTRUST;

const REASONS = Object.keys(DISTRUST) as Distrust[];

const DOMAIN = 'flcm-snapshot-v1\0';
const SIGNED = 157;
const SIGNATURE = 64;
const LATEST = 2 ** 53;
const MOST_STATEMENTS = 4;

/** Two keys, so that one can replace the other without a gap. */
const MOST_PINS = 2;

const UNSUPPORTED =
  '`trust` needs Ed25519 in Web Cryptography: a page of HTTPS in Chrome 137, Firefox 130, Safari 17 or later, or Node 20';

/** What the pinned keys of a host need of it. */
export interface TrustingHost {
  readonly inUse: InUse;
  readonly clock: Clock;
  readonly events: Events;
  readonly sourceBy: (options: FeaturesOptions) => Source | undefined;
  readonly FeatureError: new (code: FeatureErrorCode, message: string) => FeatureError;
}

/** The pinned keys of a host, its audience, and the statement about what is in use. */
export class Trust {
  /** The source of the options, which gives nothing but what was checked. */
  readonly source: Source | undefined;
  readonly #keys: ReadonlyMap<string, CryptoKey>;
  readonly #audience: string;
  readonly #isStrict: boolean;
  readonly #host: TrustingHost;
  #inUse: Statement | undefined;
  #isReported = false;
  #cancel: () => void = () => {};
  /** Whether it is to end with the flags. */
  #isWatching = false;

  /**
   * Trusts the owners of one key, or of two while one replaces the other.
   *
   * @throws FeatureError `INVALID_OPTIONS`: which option is wrong, or that the platform cannot verify.
   */
  static async open(options: FeaturesOptions, host: TrustingHost): Promise<Trust> {
    const { trust = [], audience = '' } = options;
    const invalid = (message: string) => new host.FeatureError('INVALID_OPTIONS', message);
    if (trust.length === 0 || trust.length > MOST_PINS) {
      throw invalid('`trust` must be one pin, or two while a key is replaced');
    }
    if (audience === '') throw invalid('`trust` needs an `audience`, such as `prod`: the one that the signer names');
    const keys = new Map<string, CryptoKey>();
    for (const pin of trust) {
      const bytes = pinned(pin);
      if (!bytes) {
        throw invalid(`\`trust\`: \`${pin}\` is no pin; \`flcm key sign\` prints one, \`ed25519:\` and 43 characters`);
      }
      const [id, key] = await imported(bytes).catch(() => Promise.reject(invalid(UNSUPPORTED)));
      keys.set(id, key);
    }
    return new Trust(keys, hex(await hash('SHA-256', new TextEncoder().encode(audience))), options, host);
  }

  private constructor(
    keys: ReadonlyMap<string, CryptoKey>,
    audience: string,
    options: FeaturesOptions,
    host: TrustingHost,
  ) {
    this.#keys = keys;
    this.#audience = audience;
    this.#isStrict = options.strict === true;
    this.#host = host;
    this.source = this.#sourceOf(options);
  }

  /** A server sends the statements with the snapshot; elsewhere a file of them is beside it. */
  #sourceOf(options: FeaturesOptions): Source | undefined {
    const { documentUrl, file } = options;
    const source = this.#host.sourceBy(options);
    const besideIt = documentUrl ? { documentUrl: besideOf(documentUrl) } : file ? { file: besideOf(file) } : undefined;
    const beside = besideIt && this.#host.sourceBy(besideIt);
    return (
      source && {
        name: source.name,
        get: async (etag, closing, revision) => {
          if (!this.#isWatching) closing.addEventListener('abort', () => this.#cancel());
          this.#isWatching = true;
          const given = await source.get(etag, closing, revision);
          const read = given.statements === undefined && (await beside?.get(undefined, closing))?.snapshot;
          return this.check(read ? { ...given, statements: new TextDecoder().decode(read) } : given);
        },
        watch: (changed, failed) => {
          const stops = [source, beside].map((of) => of?.watch?.(changed, failed));
          return () => {
            for (const stop of stops) stop?.();
          };
        },
      }
    );
  }

  /**
   * Checks a snapshot before it is loaded: who has signed it, and whether it may follow the one in use. Without a
   * snapshot it checks what was signed anew of the one in use.
   *
   * @throws FeatureError `SIGNATURE_MISSING`, `SIGNATURE_INVALID` or `OLDER_REVISION`; with `strict` also
   * `SIGNATURE_EXPIRED`
   */
  async check(given: FetchResult): Promise<FetchResult> {
    const { inUse, clock } = this.#host;
    const { snapshot, statements } = given;
    if (snapshot === undefined && statements === undefined) return given;
    const next = await this.judge(statements, snapshot ?? inUse.bytes);
    if (typeof next === 'string') {
      throw this.#error(next === 'missing' ? 'SIGNATURE_MISSING' : 'SIGNATURE_INVALID', DISTRUST[next]);
    }
    if (this.#isStrict && next.expires <= clock.now()) throw this.#expired(next.expires);
    const known = this.#inUse;
    // Other statements about the same snapshot come from a cache that is slow to learn of a new one.
    if (known?.sha512 === next.sha512) {
      const last = known.expires < next.expires ? next : known;
      return { ...given, statements: last.text, accept: () => this.#accept(last) };
    }
    const before = known ?? { epoch: 0, revision: inUse.snapshot?.revision ?? 0n, issued: 0 };
    if (mayFollow(next, before)) return { ...given, statements: next.text, accept: () => this.#accept(next) };
    const older = `is older than revision ${before.revision} of epoch ${before.epoch} in use: sign a higher one`;
    throw this.#error('OLDER_REVISION', `revision ${next.revision} of epoch ${next.epoch} ${older}`);
  }

  #accept(next: Statement): boolean {
    const isNew = this.#inUse !== next;
    this.#inUse = next;
    return isNew;
  }

  /** The statement that counts, or why none does: the reason of the one that came furthest. */
  async judge(statements: string | undefined, snapshot: Uint8Array): Promise<Statement | Distrust> {
    const texts = (statements ?? '').split(',').map((text) => text.trim());
    if (texts.length > MOST_STATEMENTS) return 'malformed';
    let last: Statement | undefined;
    let distrust: Distrust = 'missing';
    for (const text of texts.filter((text) => text !== '')) {
      const checked = await this.#judgeOne(text, snapshot);
      if (typeof checked !== 'string') {
        if (last === undefined || last.expires < checked.expires) last = checked;
      } else if (REASONS.indexOf(checked) > REASONS.indexOf(distrust)) distrust = checked;
    }
    return last ? { ...last, text: texts.join(', ') } : distrust;
  }

  async #judgeOne(text: string, snapshot: Uint8Array): Promise<Statement | Distrust> {
    const bytes = fromBase64url(text);
    if (bytes?.length !== SIGNED + SIGNATURE || new TextDecoder().decode(bytes.subarray(0, 17)) !== DOMAIN) {
      return 'malformed';
    }
    const view = new DataView(bytes.buffer);
    const [revision, issued, expires, length] = [61, 69, 77, 85].map((at) => view.getBigUint64(at, true)) as [
      bigint,
      bigint,
      bigint,
      bigint,
    ];
    if (issued > LATEST || expires > LATEST) return 'malformed';
    const key = this.#keys.get(hex(bytes.subarray(49, 57)));
    if (key === undefined) return 'unknown key';
    const [signed, signature] = [bytes.subarray(0, SIGNED), bytes.subarray(SIGNED)];
    if (!(await crypto.subtle.verify('Ed25519', key, signature, signed))) return 'bad signature';
    if (hex(bytes.subarray(17, 49)) !== this.#audience) return 'other audience';
    const sha512 = hex(bytes.subarray(93, SIGNED));
    if (length !== BigInt(snapshot.length) || sha512 !== hex(await hash('SHA-512', snapshot))) return 'other bytes';
    const position = { epoch: view.getUint32(57, true), revision, issued: Number(issued) };
    return { ...position, expires: Number(expires), sha512, text };
  }

  /**
   * Whether the signature of what is in use has expired, which is reported once; calls back when it will have. What the
   * program brings never expires.
   */
  isExpired(callback: () => void): boolean {
    const { inUse, clock, events } = this.#host;
    const { expires = Number.POSITIVE_INFINITY } = this.#inUse ?? {};
    const left = expires - clock.now();
    const isExpired = left <= 0;
    this.#cancel();
    this.#cancel = Number.isFinite(left) && !isExpired ? clock.after(left, callback) : () => {};
    const deciding = isExpired && this.#isStrict ? undefined : inUse.snapshot;
    if (inUse.deciding !== deciding) {
      inUse.deciding = deciding;
      inUse.version++;
    }
    const isNew = isExpired && !this.#isReported;
    this.#isReported = isExpired;
    if (isNew) events.error(this.#expired(expires));
    return isExpired;
  }

  #expired(at: number): FeatureError {
    const help = 'the source may be held back: sign the snapshot again';
    return this.#error('SIGNATURE_EXPIRED', `the signature has expired at ${new Date(at).toISOString()}: ${help}`);
  }

  #error(code: FeatureErrorCode, message: string): FeatureError {
    return new this.#host.FeatureError(code, message);
  }
}

type Position = Pick<Statement, 'epoch' | 'revision' | 'issued'>;

/** Whether a signed snapshot may follow the one in use, if its bytes are others. */
export function mayFollow(next: Position, inUse: Position): boolean {
  if (next.epoch !== inUse.epoch) return next.epoch > inUse.epoch;
  if (next.revision !== inUse.revision) return next.revision > inUse.revision;
  return next.issued > inUse.issued;
}

/** The address of the statements about a snapshot. */
const besideOf = (snapshot: string | URL): string => `${snapshot}`.replace(/(?=[?#]|$)/, '.sig');

/** The bytes of a pin. */
function pinned(pin: string): Bytes | undefined {
  const bytes = pin.startsWith('ed25519:') ? fromBase64url(pin.slice(8)) : undefined;
  return bytes?.length === 32 ? bytes : undefined;
}

async function imported(bytes: Bytes): Promise<[id: string, key: CryptoKey]> {
  const id = hex((await hash('SHA-256', bytes)).subarray(0, 8));
  return [id, await crypto.subtle.importKey('raw', bytes, 'Ed25519', false, ['verify'])];
}

async function hash(algorithm: 'SHA-256' | 'SHA-512', bytes: Uint8Array): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest(algorithm, bytes as Bytes));
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Base64url without padding; `undefined` for anything else. */
function fromBase64url(text: string): Bytes | undefined {
  if (!/^[\w-]*$/.test(text)) return undefined;
  try {
    const base64 = text.replaceAll('-', '+').replaceAll('_', '/');
    const binary = atob(base64);
    // Unused bits are zero.
    if (btoa(binary).replace(/=+$/, '') !== base64) return undefined;
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
