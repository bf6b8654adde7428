/**
 * What the page asks its engine: WebAssembly in a Worker, made from the same Rust code as the server and the command line.
 * Nothing here decides anything in TypeScript.
 */

import type { Difference } from './data/api.ts';
import type { Edit, Path, Value } from './draft/store.ts';

/** As the language server protocol has it: from 0, in UTF-16 units. */
export interface Range {
  readonly start: { readonly line: number; readonly character: number };
  readonly end: { readonly line: number; readonly character: number };
}

export interface Diagnostic {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'hint';
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  readonly message: string;
  readonly help: string | null;
  readonly range?: Range;
}

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  /** Whether it can be published. */
  readonly valid: boolean;
  readonly milliseconds: number;
}

/** An edit that cannot be made without touching something else. */
export interface Declined {
  readonly edit: number;
  readonly reason: string;
  readonly message: string;
  readonly help: string;
  readonly at: Range;
}

export type Edited =
  | { readonly text: string; readonly changed: readonly { readonly start: number; readonly end: number }[] }
  | { readonly declined: Declined };

export interface OutlineValue {
  readonly path: Path;
  /** The value that is in effect; `null` for a list or a map that contains something, which follows. */
  readonly value: Value;
  readonly origin: { readonly kind: 'own' | 'alias' } | { readonly kind: 'inherited'; readonly from: Path };
  readonly range: Range;
}

export interface Reference {
  readonly name: string;
  readonly range: Range;
}

/** The values of a flag that are in force, and where each was written. */
export interface Outline {
  readonly flag: string;
  readonly range: Range;
  /** The templates and flags that it inherits from, the nearest first. */
  readonly parents: readonly string[];
  readonly values: readonly OutlineValue[];
  readonly cohorts: readonly Reference[];
  readonly flags: readonly Reference[];
  readonly dependents: readonly Reference[];
}

/** A cohort, value by value. It inherits nothing. */
export interface CohortOutline {
  readonly cohort: string;
  readonly values: readonly OutlineValue[];
  /** The cohorts that it names. */
  readonly cohorts: readonly Reference[];
  readonly dependentCohorts: readonly Reference[];
  /** The flags that name it themselves. */
  readonly dependents: readonly Reference[];
}

export interface Cohort {
  readonly name: string;
  readonly users: number;
  readonly when: readonly string[];
  readonly except: number;
  readonly namedBy: readonly string[];
}

export interface Question {
  readonly text: string;
  readonly flag: string;
  readonly user: string | null;
  readonly attributes: Readonly<Record<string, Value>>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The trips by flag, but for those that are clear. */
  readonly trips: Readonly<Record<string, string>>;
}

export interface Scenario {
  readonly text: string;
  readonly flag: string;
  /** Share of the new way's calls that fail, from 0 to 1. */
  readonly errorRate: number;
  /** The same for the old way. */
  readonly baseline: number;
  /** Calls of eligible users. */
  readonly perSecond: number;
  /** Percentage of users who have the new way. */
  readonly share: number;
  readonly runs: number;
}

interface Found {
  readonly falsely: number;
  readonly medianSeconds: number | null;
  readonly p90Seconds: number | null;
  readonly shareFound: number;
}

/** What `flcm simulate --json` prints. */
export interface Simulation {
  readonly runs: number;
  readonly rules: readonly {
    readonly rule: string;
    readonly fromStart: Found;
    readonly days: number;
    readonly falseDays: number;
    readonly falseRate95: readonly [number, number];
  }[];
}

/** How many users change in which way. */
export interface Moves {
  readonly gain: number;
  readonly lose: number;
  readonly switch: number;
  readonly value: number;
  readonly same: number;
}

/** What was counted so far. */
export interface Counted {
  readonly contexts: number;
  /** Lines that are no user. */
  readonly failed: number;
  /** The first of these. */
  readonly problems: readonly { readonly line: number; readonly message: string; readonly help: string }[];
  readonly flags: Readonly<Record<string, Moves>>;
}

export interface Engine {
  check(text: string): Promise<Checked>;
  /** What `flcm decide --json --explain` prints. */
  explain(question: Question): Promise<Explanation>;
  schema(): Promise<string>;
  edit(text: string, edits: readonly Edit[]): Promise<Edited>;
  outline(text: string, flag: string): Promise<Outline>;
  cohorts(text: string): Promise<readonly Cohort[]>;
  cohortOutline(text: string, cohort: string): Promise<CohortOutline>;
  diff(base: string, text: string): Promise<Difference>;
  /** Counts further users for the difference that was asked for last: lines of a file of contexts. */
  count(lines: string): Promise<Counted>;
  /** One after the other; one whose signal is aborted before its turn is left out. */
  simulate(scenario: Scenario, signal?: AbortSignal): Promise<Simulation>;
}

/** One step of a decision. */
export type Check =
  | { readonly check: 'enabled'; readonly held: boolean }
  | {
      readonly check: 'rule';
      readonly number: number;
      readonly name: string | null;
      readonly serves: string;
      readonly held: boolean;
      readonly checks: readonly Check[];
    }
  | {
      readonly check: 'flag';
      readonly flag: string;
      readonly expected: string;
      readonly dependency: boolean;
      readonly held: boolean;
      readonly explanation?: Explanation | null;
    }
  | {
      readonly check: 'cohort';
      readonly cohort: string;
      readonly because: string;
      readonly held: boolean;
      readonly checks: readonly Check[];
    }
  | { readonly check: 'group'; readonly of: string; readonly held: boolean; readonly checks: readonly Check[] }
  | {
      readonly check: 'test';
      readonly attribute: string;
      readonly operator: string;
      readonly text: string;
      readonly actual: Value;
      readonly held: boolean;
    }
  | {
      readonly check: 'rollout';
      readonly by: string;
      /** In thousandths of a percent, like all of these. */
      readonly bucket: number | null;
      readonly percentage: number;
      readonly needed: number;
      /** Milliseconds since 1970, when the schedule reaches the bucket. */
      readonly from: number | null;
      readonly held: boolean;
    }
  | {
      readonly check: 'breaker';
      readonly state: string;
      readonly bucket: number | null;
      readonly share: number;
      readonly held: boolean;
    }
  | { readonly check: 'no_rule' }
  | { readonly check: 'override' }
  | { readonly check: 'split'; readonly point: number | null; readonly total: number; readonly variant: string }
  | { readonly check: 'untried'; readonly rules: number };

export interface Explanation {
  readonly flag: string;
  readonly user: string | null;
  readonly enabled: boolean;
  readonly value: Value;
  readonly variant: string | null;
  readonly reason: string;
  readonly errorCode: string | null;
  readonly rule: string | null;
  readonly checks: readonly Check[];
}
