/** What is known of documents beside their problems: why a decision was made, what a draft changes, and for whom. */

import type { Compiler, Diagnostic, JsonValue, TextRange, TripState } from './contract.d.ts';

/** How a decision came about. */
export interface Explained {
  readonly explanation: Explanation;
  /** As lines of text. */
  readonly text: string;
}

/** Why one flag was decided as it was for one context: what `flcm decide --json --explain` prints. */
export interface Explanation {
  readonly flag: string;
  readonly user: string | null;
  readonly enabled: boolean;
  /** What is served; `null` for an error. */
  readonly value: JsonValue;
  readonly variant: string | null;
  readonly reason: string;
  readonly errorCode: string | null;
  /** Name of the rule that applied, if it has one. */
  readonly rule: string | null;
  /** The arm of the breaker's comparison. */
  readonly arm: 'treatment' | 'control' | 'outside';
  /** What led to the decision, in order. */
  readonly checks: readonly Check[];
}

/** One check that was made. Buckets and percentages are in thousandths of a percent. */
export type Check =
  /** The kill switch. */
  | { readonly check: 'enabled'; readonly held: boolean }
  /** The breaker, unless it is closed. */
  | {
      readonly check: 'breaker';
      readonly state: string;
      readonly bucket: number | null;
      readonly share: number;
      readonly held: boolean;
    }
  /** A dependency, or a condition on another flag, with its explanation where it is named first. */
  | {
      readonly check: 'flag';
      readonly flag: string;
      /** `on`, `off` or `variant …`. */
      readonly expected: string;
      readonly dependency: boolean;
      readonly held: boolean;
      readonly explanation: Explanation | null;
    }
  | { readonly check: 'override' }
  | {
      readonly check: 'rule';
      /** From 1. */
      readonly number: number;
      readonly name: string | null;
      readonly serves: 'on' | 'cohort on' | 'cohort off' | 'everyone';
      readonly held: boolean;
      readonly checks: readonly Check[];
    }
  /** Rules after the one that applied. */
  | { readonly check: 'untried'; readonly rules: number }
  | {
      readonly check: 'group';
      readonly of: 'all' | 'any' | 'not';
      readonly held: boolean;
      readonly checks: readonly Check[];
    }
  | {
      readonly check: 'test';
      readonly attribute: string;
      readonly operator: string;
      readonly operand: JsonValue;
      readonly text: string;
      /** The value of the attribute; `null` when it is absent. */
      readonly actual: JsonValue;
      readonly held: boolean;
    }
  | {
      readonly check: 'cohort';
      readonly cohort: string;
      readonly because: string;
      readonly held: boolean;
      readonly checks: readonly Check[];
    }
  | {
      readonly check: 'rollout';
      /** `targeting key`, or the attribute that is hashed. */
      readonly by: string;
      /** `null` when there is nothing to hash. */
      readonly bucket: number | null;
      readonly percentage: number;
      /** The smallest percentage that lets this user in. */
      readonly needed: number;
      /** When the schedule lets this user in, in milliseconds since 1970. */
      readonly from: number | null;
      readonly held: boolean;
    }
  | { readonly check: 'split'; readonly point: number | null; readonly total: number; readonly variant: string };

/** Reads documents, explains decisions, and answers what tools ask that edit documents. */
export interface AuthoringCompiler extends Compiler {
  /**
   * Edits a document's text, and keeps its comments and layout: each edit is applied to what the one before it gave.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when something is no edit.
   */
  edit(text: string, edits: readonly DocumentEdit[]): EditAnswer;
  /** Describes the cohorts, by name; `undefined` when the document has errors. */
  cohorts(text: string): readonly Cohort[] | undefined;
  /** Describes a flag, value by value; `undefined` when the text cannot be read or has no such flag. */
  outline(text: string, flag: string): Outline | undefined;
  /** Describes a cohort value by value; `undefined` when it is not there. */
  cohortOutline(text: string, cohort: string): CohortOutline | undefined;
  /**
   * Keeps a document, with which drafts are compared.
   *
   * @throws {@link EngineError} `INVALID_ARGUMENT` when it has errors.
   */
  workbench(base: string): Workbench;
  /**
   * Prepares to simulate how soon a fault of a flag would be rolled back.
   *
   * @throws {@link EngineError} `INVALID_SNAPSHOT`; `INVALID_ARGUMENT` when a number is out of range, or the flag is
   * not there or has no `error_threshold`.
   */
  simulator(snapshot: Uint8Array, scenario: Scenario): Simulator;
  /**
   * The trips of a snapshot, as {@link Question} takes them. Flags that it does not have are passed over.
   *
   * @throws {@link EngineError} `INVALID_SNAPSHOT`, `INVALID_ARGUMENT`
   */
  trips(snapshot: Uint8Array, states: Readonly<Record<string, TripState>>): Uint8Array;
}

/** Where a value stands: keys of maps, and places in lists from 0. */
export type Path = readonly (string | number)[];

/** One change of a document. */
export type DocumentEdit =
  /** Adds to a map under a key, or to a list at an index; at its end where that is left out. */
  | {
      readonly op: 'insert';
      readonly path: Path;
      readonly key?: string | undefined;
      readonly index?: number | undefined;
      readonly value: JsonValue;
    }
  | { readonly op: 'move'; readonly path: Path; readonly index: number }
  | { readonly op: 'remove'; readonly path: Path }
  | { readonly op: 'rename'; readonly path: Path; readonly key: string }
  /** A key that is not there is added, and the maps around it as well. */
  | { readonly op: 'set'; readonly path: Path; readonly value: JsonValue };

/** What became of edits. One that is declined applies none. */
export type EditAnswer = Edited | { readonly declined: Declined };

/** A text with edits applied. */
export interface Edited {
  readonly text: string;
  /** The lines of the new text that are different, from 0. The end is not among them. */
  readonly changed: readonly { readonly start: number; readonly end: number }[];
}

/** Why edits were not applied. */
export interface Declined {
  /** Which one it was, from 0. */
  readonly edit: number;
  readonly reason:
    | 'alias'
    | 'comments'
    | 'dash'
    | 'duplicate'
    | 'exists'
    | 'layout'
    | 'limit'
    | 'missing'
    | 'only-child'
    | 'proof'
    | 'syntax'
    | 'tabs'
    | 'type';
  /** Why, in a sentence. */
  readonly message: string;
  readonly help: string;
  /** Where, in the text that the edits before it gave. */
  readonly at: TextRange;
}

/** A group of users. */
export interface Cohort {
  readonly name: string;
  /** How many users are listed. */
  readonly users: number;
  /** How many users never belong. */
  readonly except: number;
  /** The conditions as text, all of which must hold. */
  readonly when: readonly string[];
  /** The flags that use it, directly or through another cohort. */
  readonly namedBy: readonly string[];
}

/** A flag, value by value. */
export interface Outline {
  readonly flag: string;
  readonly range: TextRange;
  /** The templates and flags that it inherits from, the nearest first. */
  readonly parents: readonly string[];
  /** Lists and maps before what they contain. */
  readonly values: readonly OutlineValue[];
  /** The cohorts that it names. */
  readonly cohorts: readonly Reference[];
  /** The flags that it names. */
  readonly flags: readonly Reference[];
  /** The flags that name it. */
  readonly dependents: readonly Reference[];
}

/** A cohort, value by value. It inherits nothing. */
export interface CohortOutline {
  readonly cohort: string;
  readonly range: TextRange;
  /** Lists and maps before what they contain. */
  readonly values: readonly OutlineValue[];
  /** The cohorts that it names. */
  readonly cohorts: readonly Reference[];
  /** The cohorts that name it. */
  readonly dependentCohorts: readonly Reference[];
  /** The flags that name it themselves, not through another cohort. */
  readonly dependents: readonly Reference[];
}

/** A value of a flag or a cohort that is in effect. */
export interface OutlineValue {
  /** In the flag or cohort. */
  readonly path: Path;
  /** `null` also for a list or map that contains something, which follows. */
  readonly value: JsonValue;
  readonly range: TextRange;
  readonly origin: { readonly kind: 'own' | 'alias' } | { readonly kind: 'inherited'; readonly from: Path };
}

/** A place in which something is named. */
export interface Reference {
  readonly name: string;
  readonly range: TextRange;
}

/** A document and a draft of it. Every method throws {@link EngineError} `FREED` after {@link Workbench.free}. */
export interface Workbench {
  /** Takes another draft instead of the one before; answers all its problems. */
  draft(text: string): readonly Diagnostic[];
  /** The draft's snapshot; `undefined` when there is no draft or it has errors. */
  snapshot(): Uint8Array | undefined;
  /**
   * Compares the draft with the document, and begins to count anew; `undefined` when there is no draft or it has
   * errors.
   *
   * @param now Milliseconds since 1970: schedules depend on it.
   */
  diff(now: number): Difference | undefined;
  /**
   * Counts further lines of a file of contexts, one flat JSON object on each; answers what was counted so far. A file
   * that comes in parts is divided behind line ends. `undefined` before {@link Workbench.diff}.
   */
  count(lines: string): Counted | undefined;
  /** Gives the memory back. May be called twice. */
  free(): void;
}

/** What `flcm diff --json` prints. */
export interface Difference {
  /** As RFC 3339 in UTC. */
  readonly now: string;
  readonly old: Side;
  readonly new: Side;
  /** Sorted by key. */
  readonly flags: readonly FlagDifference[];
  /** What could not be compared. */
  readonly notes: readonly string[];
  /** How many contexts were counted. */
  readonly contexts: number | null;
}

/** A version that is compared. */
export interface Side {
  /** Its name. */
  readonly file: string;
  readonly revision: number;
  /** 16 hexadecimal digits. */
  readonly digest: string;
}

/** What is different in one flag. */
export interface FlagDifference {
  readonly flag: string;
  /** `affected`: it depends on a flag that changes. */
  readonly status: 'added' | 'affected' | 'changed' | 'removed' | 'same';
  readonly changes: readonly Change[];
  /** Changed flags that this one depends on. */
  readonly through: readonly string[];
  /** By class of users; classes for which nothing changes are left out. */
  readonly shares: readonly Shares[];
  readonly contexts: Moves | null;
}

/** A setting that changes. */
export interface Change {
  /** `enabled`, `rule 2 percentage`, `variant blue`, … */
  readonly what: string;
  readonly from: string | null;
  readonly to: string | null;
  /** A consequence that is not obvious. */
  readonly note: string | null;
}

/** What changes for a class of users, as shares of them. */
export interface Shares {
  /** The conditions that hold for them; `null` where no rule with conditions applies. */
  readonly conditions: string | null;
  /** Whether each share is a bound, and may be less: it depends on conditions of flags that this one depends on. */
  readonly atMost: boolean;
  readonly gain: Share;
  readonly lose: Share;
  /** To another variant. */
  readonly switch: Share;
  /** To another value of the same variant. */
  readonly value: Share;
}

/** An exact share: `part / whole`, as texts, because numbers end at 2^53. */
export interface Share {
  /** Rounded. */
  readonly percent: number;
  readonly part: string;
  readonly whole: string;
}

/** Users by what changes for them. */
export interface Moves {
  readonly gain: number;
  readonly lose: number;
  readonly switch: number;
  readonly value: number;
  readonly same: number;
}

/** How many users of a file get something else. */
export interface Counted {
  /** Lines that were read, blank ones as well. */
  readonly lines: number;
  readonly contexts: number;
  /** Lines that are no context. */
  readonly failed: number;
  /** The first ten of these. */
  readonly problems: readonly {
    readonly line: number;
    readonly column: number | null;
    readonly message: string;
    readonly help: string;
  }[];
  /** By flag key. */
  readonly flags: Readonly<Record<string, Moves>>;
}

/** What is to be simulated. Rates are from 0 to 1. */
export interface Scenario {
  readonly flag: string;
  /** Share of the treated requests that fails. */
  readonly errorRate: number;
  /** Of eligible users. */
  readonly requestsPerSecond: number;
  /**
   * Percentage of requests that is treated.
   *
   * @default the flag's own percentage at `now`
   */
  readonly sharePercent?: number | undefined;
  /**
   * Share of all other requests that fails.
   *
   * @default 0.01
   */
  readonly baseline?: number | undefined;
  /** @default 1 */
  readonly seed?: number | undefined;
  /**
   * Whether the flag's policy is compared with plain rates, which takes three times as long.
   *
   * @default true
   */
  readonly withPlain?: boolean | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A simulation that goes on for as long as somebody wants to know more. Throws `FREED` like a {@link Workbench}. */
export interface Simulator {
  /**
   * Makes so many runs more, at most a million at once; answers the results of all so far. How they were divided makes
   * no difference.
   *
   * @param days Healthy days, of which each takes as long as a dozen runs. Defaults to as many as `flcm simulate` makes
   *   for all runs so far: a tenth of them.
   */
  advance(runs: number, days?: number): Simulation;
  /** Gives the memory back. May be called twice. */
  free(): void;
}

/** What `flcm simulate --json` prints. */
export interface Simulation {
  readonly flag: string;
  readonly requestsPerSecond: number;
  readonly sharePercent: number;
  readonly errorRate: number;
  readonly baseline: number;
  readonly runs: number;
  readonly seed: number;
  /** How many false rollbacks the flag may have in a day. */
  readonly budget: number;
  /** The flag's own policy first, then plain rates. */
  readonly rules: readonly SimulatedRule[];
}

/** The results of one policy. */
export interface SimulatedRule {
  readonly rule: string;
  /** With the fault there from the first request. */
  readonly fromStart: Delays;
  /** With the fault after a healthy hour. */
  readonly afterAnHour: Delays;
  /** Healthy days on which it rolled back, of so many. */
  readonly falseDays: number;
  readonly days: number;
  /** The 95 % confidence interval of false rollbacks a day. */
  readonly falseRate95: readonly [number, number];
}

/** How long it took to detect a fault. */
export interface Delays {
  /** `null` when fewer than half of the runs detected it. */
  readonly medianSeconds: number | null;
  /** The same for nine runs out of ten. */
  readonly p90Seconds: number | null;
  readonly shareFound: number;
  /** Runs that were rolled back before the fault began. */
  readonly falsely: number;
}
