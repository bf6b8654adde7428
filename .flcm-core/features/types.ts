/** What applications see: options, events, and types that can be narrowed to a document's own flags. */

import type {
  AttributeValue,
  BreakerMode,
  Compiler,
  Decision,
  Engine,
  Explained,
  JsonValue,
  Transition,
} from '@flcm/flags-web';
import type { NotifyOptions } from './circuit-breaker/notify.ts';
import type { Clock } from './clock.ts';
import type { FeatureError } from './errors.ts';
import type { Store } from './host/store.ts';
import type { Sink } from './metrics-collector/sinks.ts';

export type {
  Attributes,
  AttributeValue,
  BreakerMode,
  BreakerReport,
  Compiler,
  CustomMetrics,
  Decision,
  Engine,
  EngineError,
  FlagSummary,
  FleetState,
  JsonValue,
  Transition,
} from '@flcm/flags-web';

/** What a flag of a document serves; `flcm types DOCUMENT` writes one of these for each. */
export interface FlagShape {
  /** The names of its variants; `never` for a flag without. */
  readonly variant: string;
  /** The values that it serves. */
  readonly value: JsonValue;
}

/** The flags of a document by key, such as the `Flags` that `flcm types` writes. */
export type FlagShapes<F> = { readonly [K in keyof F]: FlagShape };

/** Flags of which nothing is known when the program is compiled. */
export type AnyFlags = Readonly<Record<string, FlagShape>>;

/** The key of a flag. */
export type FlagKey<F> = Extract<keyof F, string>;

/** The variants of a flag. */
export type VariantOf<F extends FlagShapes<F>, K extends keyof F> = F[K]['variant'];

/** What may be given as the fallback of a flag: a value that it may serve itself. */
export type FallbackOf<F extends FlagShapes<F>, K extends keyof F> = F[K]['value'];

/** What comes back for a fallback: what the flag is known to serve, or else anything of the fallback's type. */
export type ServedOf<F extends FlagShapes<F>, K extends keyof F, T> = JsonValue extends F[K]['value']
  ? Widened<T>
  : F[K]['value'];

/** `3` may be answered with any number. */
export type Widened<T> = T extends boolean ? boolean : T extends number ? number : T extends string ? string : T;

/** Who is asking, as OpenFeature has it: the targeting key among the attributes. */
export interface UserContext {
  /** The user. Without it a user is outside of every percentage below 100. */
  readonly targetingKey?: string | null | undefined;
  readonly [attribute: string]: AttributeValue;
}

/** What a flag is made to serve to one user: on, off, or a variant by its name. */
export type OverrideValue = boolean | string;

/**
 * Where the flags come from, and how they are watched over. One of `url`, `documentUrl`, `file`, `document` and
 * `snapshot` names the source; `snapshot` or `document` beside a `url` or `file` is what is used until that has
 * answered.
 */
export interface FeaturesOptions {
  /**
   * A server of flags, such as `https://flags.example.com`: `/flags`, `/flags/stream` and `/metrics` below it are used.
   */
  readonly url?: string | URL;
  /** A document or a snapshot on any web server, such as `https://cdn.example.com/feature-flags.yaml`: polled. */
  readonly documentUrl?: string | URL;
  /** A document or a snapshot in a file, which is watched. Node only. */
  readonly file?: string | URL;
  /** A document, YAML or JSON. */
  readonly document?: string;
  /** A compiled document. */
  readonly snapshot?: Uint8Array;
  /**
   * The keys that must have signed each snapshot, as `flcm key sign` prints them: one, or two while one replaces the
   * other. Then nothing unsigned is used, except for `document` and `snapshot`, which are as trusted as the program.
   */
  readonly trust?: readonly string[];
  /** For whom snapshots must be signed, such as `prod`. Required with `trust`. */
  readonly audience?: string;
  /** With `trust`: nothing is decided by flags whose signature has expired. @default false */
  readonly strict?: boolean;
  /** Sent with each request, as `Authorization: Bearer`. */
  readonly key?: string;
  /** Further headers of each request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long `createFeatures` waits for the first flags. Later ones still take effect. @default 2000 */
  readonly initTimeoutMs?: number;
  /** How often the source is asked; 0 for never. @default 60000 */
  readonly pollIntervalMs?: number;
  /** How long a request may take, from connecting to the last byte. @default 5000 */
  readonly fetchTimeoutMs?: number;
  /** The largest body or file that is taken in, in bytes. @default 33554432 */
  readonly maxBytes?: number;
  /** For how long flags that the source has not confirmed count as fresh. @default three times the poll interval */
  readonly staleAfterMs?: number;
  /**
   * Whether changes are announced by a stream of `url`. Otherwise each poll also asks for what operators hold and what
   * the server has rolled back.
   *
   * @default true
   */
  readonly stream?: boolean;
  /** A stream that is silent for so long is connected anew. @default 45000 */
  readonly streamSilenceMs?: number;
  /** Changes that a stream announces are fetched within so long, so that not all hosts come at once. @default 500 */
  readonly streamSpreadMs?: number;
  /**
   * What survives a restart: the last good flags, breakers, and counts that were not acknowledged. In Node a folder, in
   * browsers `true` for local storage; or a store of your own. @default false
   */
  readonly cache?: string | boolean | Store;
  /** Where counts go, besides `{url}/metrics`. */
  readonly sinks?: readonly Sink[];
  /** Whether counts are sent to `{url}/metrics`. @default true */
  readonly metrics?: boolean;
  /** Your application: the server and its dashboard list hosts by it. */
  readonly app?: {
    /** At most 128 bytes. */
    readonly name: string;
    /** At most 128 bytes. */
    readonly version?: string;
  };
  /** How often counts are sent. @default 10000 */
  readonly flushIntervalMs?: number;
  /** Receivers of notifications about rollbacks. */
  readonly notify?: readonly NotifyOptions[];
  /**
   * A whole number below 2^53 that names this host: spreads its polling, and distinguishes its counts from others'.
   *
   * @default stored in the cache, or drawn
   */
  readonly instance?: number;
  /** What decides. @default the native addon in Node, WebAssembly elsewhere */
  readonly engine?: Engine;
  /** What reads documents and explains. @default that of the engine in Node; fetched when it is needed in browsers */
  readonly compiler?: Compiler;
  /** Time, and chance. @default that of the machine */
  readonly clock?: Clock;
  /** @default the platform's */
  readonly fetch?: typeof fetch;
}

/** How well the flags in use are known to be those of the source. */
export type RemoteState =
  /** Nothing is in use yet, and the first answer is awaited. */
  | 'initializing'
  /** The source has confirmed what is in use, less than `staleAfterMs` ago. */
  | 'fresh'
  /** What is in use was not confirmed for longer, or comes from a cache. */
  | 'stale'
  /** Nothing is in use: every decision is the caller's fallback. */
  | 'offline';

/** Other flags are in use. */
export interface ChangeEvent {
  /** Keys of the flags that are new, or are written differently than before, their cohorts included. */
  readonly flags: readonly string[];
  /** Keys of the flags that are gone. */
  readonly removed: readonly string[];
  /** Digest of what was in use before; `undefined` at first. */
  readonly from: string | undefined;
  /** Digest of what is in use now. */
  readonly to: string;
  /** The document's revision; 0 when it has none. */
  readonly revision: bigint;
}

/** The source has confirmed what is in use, or has given something newer. */
export interface SyncEvent {
  /** Digest of what is in use. */
  readonly digest: string;
  /** The document's revision; 0 when it has none. */
  readonly revision: bigint;
  /** Whether something newer is in use now. */
  readonly changed: boolean;
}

/** The flags in use are known to be fresh, or no longer. */
export interface StateEvent {
  /** What it was before. */
  readonly from: RemoteState;
  /** What it is now. */
  readonly to: RemoteState;
  /** Milliseconds since the source confirmed what is in use; `undefined` if it never did. */
  readonly ageMs: number | undefined;
}

/** Something happened to the breaker of a flag. */
export interface BreakerEvent {
  /** The flag key. */
  readonly flag: string;
  /** What happened, such as `tripped`: the values are listed in docs/reference/rollback.md. */
  readonly event: string;
  /** Why, such as `relative` or `shared`: listed there as well. */
  readonly cause: string | undefined;
  /** What the breaker was before: `closed`, `open` or `half_open`. */
  readonly from: string;
  /** What it is now. */
  readonly to: string;
  /** How far it may go. */
  readonly mode: BreakerMode;
  /** Share of users who had the feature before, in percent. */
  readonly percentBefore: number;
  /** Share of users who have it now. */
  readonly percentAfter: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** All that led to it. */
  readonly evidence: Transition;
  /** A line for people. */
  readonly text: string;
}

/** The fleet holds another set of flags back than before. */
export interface FleetEvent {
  /** The fleet's trips, by flag key: flags that are not named are clear. */
  readonly trips: Readonly<Record<string, string>>;
}

/** Counts are on their way. */
export interface FlushEvent {
  /** How large they are, in bytes. */
  readonly bytes: number;
  /** Counts the batches of this host. */
  readonly sequence: number;
}

/** What `on` listens to. */
export interface FeatureEvents {
  /** Other flags are in use. */
  change: ChangeEvent;
  /** The source has confirmed what is in use, or has given something newer. */
  sync: SyncEvent;
  /** The flags in use are known to be fresh, or no longer. */
  state: StateEvent;
  /** The source has not confirmed what is in use for `staleAfterMs`. */
  stale: StateEvent;
  /** Something has gone wrong; what was in use stays in use. Without a listener it is logged on the console. */
  error: FeatureError;
  /** A flag was rolled back. */
  rollback: BreakerEvent;
  /** A flag that was rolled back is tried by a few. */
  probe: BreakerEvent;
  /** A flag that was rolled back did well, and is back. */
  recovered: BreakerEvent;
  /** Anything that happens to a breaker, those three included. */
  breaker: BreakerEvent;
  /** The server has sent the trips of the fleet. */
  fleet: FleetEvent;
  /** Counts were acknowledged. */
  flush: FlushEvent;
}

/** A decision, and what was in use when it was made. */
export interface Explanation extends Decision {
  /** The flag key. */
  readonly flag: string;
  /** Digest of the snapshot; `undefined` when nothing is in use. */
  readonly snapshot: string | undefined;
  /** The document's revision; 0 when it has none. */
  readonly revision: bigint | undefined;
  /** The trip that the breaker asks for. */
  readonly trip: string | undefined;
  /** Every check with what was compared, as lines of text; `undefined` where no compiler is loaded. */
  readonly text: string | undefined;
  /** The same as a tree. */
  readonly tree: Explained['explanation'] | undefined;
}
