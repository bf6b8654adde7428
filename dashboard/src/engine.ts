/**
 * What the page asks its engine: WebAssembly in a Worker, made from the same Rust code as the server and the command
 * line. Nothing here decides anything in TypeScript.
 */

import type {
  Attributes,
  Cohort,
  CohortOutline,
  Counted,
  Diagnostic,
  Difference,
  EditAnswer,
  Explanation,
  Outline,
  Simulation,
  TripState,
} from '@flcm/flags-web/compile';
import type { Edit } from './draft/store.ts';

export type {
  AttributeValue,
  Check,
  Cohort,
  CohortOutline,
  Counted,
  Declined,
  Diagnostic,
  Difference,
  EditAnswer,
  Explanation,
  FlagDifference,
  JsonValue as Value,
  Moves,
  Outline,
  OutlineValue,
  Path,
  Share,
  Simulation,
  TripState,
} from '@flcm/flags-web/compile';

export interface Checked {
  readonly diagnostics: readonly Diagnostic[];
  /** Whether it can be published. */
  readonly valid: boolean;
  readonly milliseconds: number;
}

export interface Question {
  readonly text: string;
  readonly flag: string;
  readonly user: string | null;
  readonly attributes: Attributes;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The trips by flag, but for those that are clear. */
  readonly trips: Readonly<Record<string, TripState>>;
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

export interface Engine {
  check(text: string): Promise<Checked>;
  /** What `flcm decide --json --explain` prints. */
  explain(question: Question): Promise<Explanation>;
  schema(): Promise<string>;
  edit(text: string, edits: readonly Edit[]): Promise<EditAnswer>;
  outline(text: string, flag: string): Promise<Outline>;
  cohorts(text: string): Promise<readonly Cohort[]>;
  cohortOutline(text: string, cohort: string): Promise<CohortOutline>;
  diff(base: string, text: string): Promise<Difference>;
  /** Counts further users for the difference that was asked for last: lines of a file of contexts. */
  count(lines: string): Promise<Counted>;
  /** One after the other; one whose signal is aborted before its turn is left out. */
  simulate(scenario: Scenario, signal?: AbortSignal): Promise<Simulation>;
}
