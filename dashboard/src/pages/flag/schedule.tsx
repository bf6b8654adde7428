/** What the schedule will do, and whether a change of the percentage by hand drops it. */

import type { JSX } from 'preact';
import { read } from '../../draft/values.ts';
import type { Outline } from '../../engine.ts';
import { en } from '../../words/en.ts';
import { date, exactPercent } from '../../words/format.ts';

const words = en.flag.who;

export interface Step {
  readonly at: string;
  readonly percentage: number;
}

export function steps(schedule: readonly Step[]): string {
  return schedule
    .map(({ at, percentage }) => words.scheduleStep(exactPercent(percentage), date(Date.parse(at))))
    .join(', ');
}

export function Schedule(props: {
  outline: Outline;
  isDropped: boolean;
  isDrafted: boolean;
  onDrop: (on: boolean) => void;
}): JSX.Element | null {
  const schedule = read<readonly Step[]>(props.outline, 'rollout', 'schedule');
  if (!schedule || !props.isDrafted) return null;
  return (
    <p>
      <label class="chip">
        <input
          type="checkbox"
          checked={props.isDropped}
          onChange={(event) => props.onDrop(event.currentTarget.checked)}
        />
        {words.dropSchedule(steps(schedule))}
      </label>
    </p>
  );
}
