/** What the server answers: the shapes of its description in `schema/openapi.json`. */

import type { Difference, TripState } from '../engine.ts';

export type Role = 'viewer' | 'operator' | 'publisher' | 'admin';

export interface Session {
  readonly name: string;
  readonly role: Role;
  /** Milliseconds since 1970; `null` where nobody signs in. */
  readonly expires: number | null;
  /** The server runs without keys. */
  readonly keyless: boolean;
}

export interface Meta {
  readonly version: string;
  /** For which API the server is; a page that was made for another one has to be loaded again. */
  readonly contract: string;
  readonly document: {
    readonly name: string | null;
    readonly mode: 'file' | 'database' | 'none';
    readonly editUrl?: string | null;
    readonly uncommitted?: boolean;
  };
  /** In seconds. */
  readonly retention?: { readonly fine: number; readonly day: number; readonly year: number };
  readonly stored: boolean;
}

/** Columns, because that parses fast. */
export interface Overview {
  readonly revision: number;
  readonly digest: string;
  readonly flags: {
    readonly key: readonly string[];
    readonly description: readonly (string | null)[];
    readonly owner: readonly (string | null)[];
    readonly tags: readonly (readonly string[])[];
    readonly kind: readonly (string | null)[];
    readonly until: readonly (number | null)[];
    readonly enabled: readonly boolean[];
    readonly percentage: readonly (number | null)[];
    readonly scheduled: readonly boolean[];
    readonly rules: readonly number[];
    readonly variants: readonly number[];
    /** Positions in these columns. */
    readonly needs: readonly (readonly number[])[];
    readonly threshold: readonly boolean[];
    readonly changed: readonly (number | null)[];
    readonly changedAt: readonly (number | null)[];
  };
}

/** Total, failed, slow, missing. */
export type Outcomes = readonly [number, number, number, number];

export interface LiveFlag {
  readonly state: 'closed' | 'open' | 'half_open' | null;
  readonly trip: TripState;
  readonly mode: 'auto' | 'held' | 'forced_closed' | 'observe';
  readonly cause: string | null;
  /** Who set the mode, if a person did. */
  readonly by?: string | null;
  /** The generation that an acknowledgement names. */
  readonly generation?: number;
  readonly next: 'nothing' | 'probe' | 'acknowledge' | 'release';
  readonly nextAt: number | null;
  readonly since: number;
  /** The largest statistic as a share of a rollback. */
  readonly evidence: number;
  /** Percent. */
  readonly served: number | null;
  /** Percent, at this moment. */
  readonly asked: number | null;
  readonly treatment: Outcomes;
  readonly control: Outcomes;
  readonly users24h: number;
  readonly spark: readonly (number | null)[];
  readonly behind: number;
  readonly stricter: number;
  readonly lastAsked: number | null;
  /** Whether nothing would switch it off, and it fails far more often than the old way. */
  readonly unprotected: boolean;
}

export interface HostsCount {
  readonly total: number;
  readonly inStep: number;
}

export interface Live {
  readonly at: number;
  readonly sequence: number;
  readonly hosts: HostsCount;
  /** Flags that no host has asked for within 7 days. */
  readonly unasked?: readonly string[];
  readonly flags: Readonly<Record<string, LiveFlag>>;
}

export interface ArmOutcomes {
  readonly total: number;
  readonly errors: number;
  readonly slow: number;
  readonly missing: number;
}

export interface BreakerEvent {
  readonly id: string;
  readonly flag: string;
  readonly event: string;
  readonly cause?: string;
  readonly from: string;
  readonly to: string;
  readonly mode: string;
  readonly percentBefore: number;
  readonly percentAfter: number;
  readonly at: number;
  readonly actor: string;
  readonly text: string;
  readonly evidence: {
    readonly generation: number;
    readonly next: 'nothing' | 'probe' | 'acknowledge' | 'release';
    readonly nextAt?: number;
    readonly treatment: ArmOutcomes;
    readonly control: ArmOutcomes;
    readonly absolute: number;
    readonly relative: number;
    readonly slowAbsolute: number;
    readonly slowRelative: number;
    readonly limit: number;
    readonly spread: number;
  };
}

export interface ArmSeries {
  readonly total: readonly number[];
  readonly failed: readonly number[];
  readonly slow: readonly number[];
  readonly missing: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  /** All steps together. `failed` is a share from 0 to 1, of those that failed or are missing. */
  readonly whole: {
    readonly total: number;
    readonly failed: number | null;
    readonly p50: number | null;
    readonly p95: number | null;
  };
}

export interface VariantSeries extends ArmSeries {
  readonly decisions: readonly number[];
}

export interface Mark {
  readonly at: number;
  readonly kind: string;
  readonly id: number | string;
  readonly text: string;
}

export interface Series {
  readonly flag: string;
  /** Seconds between points. */
  readonly step: number;
  readonly at: readonly number[];
  readonly decisions: Readonly<Record<string, readonly number[]>>;
  readonly variants: Readonly<Record<string, VariantSeries>>;
  readonly outside: ArmSeries;
  readonly treatment: ArmSeries;
  readonly control: ArmSeries;
  readonly evidence: Readonly<Record<'absolute' | 'relative' | 'slowAbsolute' | 'slowRelative', readonly number[]>>;
  readonly limit: readonly number[];
  readonly percent: readonly number[];
  readonly trip: readonly string[];
  readonly users: readonly number[];
  readonly p50: readonly (number | null)[];
  readonly p95: readonly (number | null)[];
  readonly marks: readonly Mark[];
}

export interface Incident {
  readonly id: string;
  readonly event: BreakerEvent;
  readonly step: number;
  readonly points: Series;
}

export interface UsersOf {
  readonly users: readonly number[];
  readonly total: number;
}

export interface FlagUsers extends UsersOf {
  readonly days: readonly string[];
  readonly arms: Readonly<Record<'treatment' | 'control' | 'outside', UsersOf>>;
  readonly variants: Readonly<Record<string, UsersOf>>;
  readonly error: number;
}

export interface FlagHosts {
  readonly app: string | null;
  readonly version: string | null;
  readonly sdk: string | null;
  readonly hosts: number;
  readonly pages: number;
  readonly behind: number;
  readonly decisions24h: number;
  readonly lastAsked: number | null;
}

export interface Host {
  readonly instance: string;
  readonly host: string | null;
  readonly app: string | null;
  readonly version: string | null;
  readonly sdk: string | null;
  readonly kind: 'server' | 'page' | 'rust';
  readonly first: number;
  readonly lastSeen: number;
  readonly revision: number | null;
  readonly inStep: boolean;
  readonly says: string | null;
  /** Pages are sums by app and version. */
  readonly count?: number;
}

export interface Revision {
  readonly number: number;
  readonly at: number;
  readonly author: string;
  readonly reason: string;
  readonly origin: string;
  readonly digest: string;
}

export interface AuditRecord {
  readonly id: number;
  readonly at: number;
  readonly actor: string;
  readonly address?: string | null;
  readonly action: string;
  readonly flag?: string | null;
  readonly revision?: number | null;
  readonly reason: string;
  readonly detail: unknown;
  readonly hash: string;
}

export interface Key {
  readonly name: string;
  readonly role: string;
  readonly limit: number | null;
  readonly lastUsed: number | null;
  readonly requests: number;
}

export interface PublishAnswer {
  readonly revision: number;
  readonly digest: string;
  readonly published: boolean;
  readonly difference: Difference;
}

export type CommandName = 'hold' | 'release' | 'acknowledge' | 'observe' | 'force';
