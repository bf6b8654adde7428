import type { FlagSummary } from '@flcm/features';

/** The arms of outcomes as `GET /metrics` and a host's summary name them. */
const ARMS = [
  ['treatment', 'total', 'errors', 'slow', 'missing'],
  ['control', 'controlTotal', 'controlErrors', 'controlSlow', 'controlMissing'],
  ['outside', 'outsideTotal', 'outsideErrors', 'outsideSlow', 'outsideMissing'],
] as const;

/** What `GET /metrics` has answered. */
export class Figures {
  readonly #lines: ReadonlyMap<string, number>;

  constructor(text: string) {
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.#lines = new Map(
      lines.map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  /** One figure, by its name and labels as they are written; 0 where there is none. */
  of(name: string): number {
    return this.#lines.get(name) ?? 0;
  }

  /** Decisions and outcomes of a flag that are not 0. */
  counted(flag: string): Record<string, number> {
    const names = [`flcm_decisions_total{flag="${flag}",`, `flcm_outcomes_total{flag="${flag}",`];
    const lines = [...this.#lines].filter(([line, value]) => value > 0 && names.some((name) => line.startsWith(name)));
    return Object.fromEntries(lines);
  }
}

/** What `GET /metrics` should have of a flag, from what hosts have counted themselves. */
export function added(flag: string, summaries: readonly (FlagSummary | undefined)[]): Record<string, number> {
  const sums: Record<string, number> = {};
  const add = (line: string, count: number): void => {
    if (count > 0) sums[line] = (sums[line] ?? 0) + count;
  };
  for (const summary of summaries.filter((summary) => summary !== undefined)) {
    for (const { variant = '', reason, count } of summary.tallies) {
      add(`flcm_decisions_total{flag="${flag}",variant="${variant}",reason="${reason}"}`, count);
    }
    for (const [arm, total, errors, slow, missing] of ARMS) {
      const counts = {
        ok: summary[total] - summary[errors] - summary[missing],
        error: summary[errors],
        missing: summary[missing],
        slow: summary[slow],
      };
      for (const [outcome, count] of Object.entries(counts)) {
        add(`flcm_outcomes_total{flag="${flag}",arm="${arm}",outcome="${outcome}"}`, count);
      }
    }
  }
  return sums;
}
