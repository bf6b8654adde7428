/** The schedule: percentages from given times on, in steps or as a ramp. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { now } from '../../../data/store.ts';
import { read } from '../../../draft/values.ts';
import { Choice, Percentage, Row, replaced } from '../../../forms/rows.tsx';
import { en } from '../../../words/en.ts';
import { exactPercent } from '../../../words/format.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';

const words = en.flag.forms;
const SCHEDULE = ['rollout', 'schedule'];
const RAMP = ['rollout', 'ramp'];
const PERCENTAGE = ['rollout', 'percentage'];
const STEPS = 4;
const DAY = 86_400_000;
const MINUTE = 60_000;

interface Stage {
  readonly id: number;
  readonly at: string;
  readonly percentage: number;
}

/** As a field of date and time has it: in the time of whoever looks. */
function local(at: string): string {
  const time = Date.parse(at);
  return new Date(time - new Date(time).getTimezoneOffset() * MINUTE).toISOString().slice(0, 16);
}

const universal = (text: string): string => new Date(text).toISOString().replace('.000Z', 'Z');

function nextStage(list: readonly Stage[]): Stage {
  const last = list.at(-1);
  const tomorrow = Math.ceil((now.value + DAY) / DAY) * DAY;
  const at = last ? Date.parse(last.at) + 7 * DAY : tomorrow;
  return {
    id: Math.max(-1, ...list.map(({ id }) => id)) + 1,
    at: universal(new Date(at).toISOString()),
    percentage: Math.min(100, (last?.percentage ?? 0) + 10),
  };
}

/** Stages that lead evenly from one percentage to another, a day apart. */
function stagesTo(from: number, to: number): readonly Omit<Stage, 'id'>[] {
  const tomorrow = Math.ceil((now.value + DAY) / DAY) * DAY;
  return Array.from({ length: STEPS }, (_, at) => ({
    at: universal(new Date(tomorrow + at * DAY).toISOString()),
    percentage: Math.round((from + ((to - from) * (at + 1)) / STEPS) * 1000) / 1000,
  }));
}

/** With `to`, it takes the place of a draft that sets the percentage at once. */
export function ScheduleForm(props: FormProps & { to?: number }): JSX.Element {
  const present = read<number>(props.outline, ...PERCENTAGE) ?? 0;
  const start =
    props.to === undefined
      ? (read<readonly Omit<Stage, 'id'>[]>(props.drafted, ...SCHEDULE) ?? [])
      : stagesTo(present, props.to);
  const [list, setList] = useState<readonly Stage[]>(start.map((stage, id) => ({ ...stage, id })));
  const [ramp, setRamp] = useState(read<string>(props.drafted, ...RAMP) ?? 'step');
  const isEmpty = list.length === 0;
  const stages = list.map(({ at, percentage }) => ({ at, percentage }));
  const before = read<string>(props.outline, ...RAMP);
  const nextRamp = isEmpty || (ramp === 'step' && before === undefined) ? undefined : ramp;
  return (
    <PartForm
      {...props}
      title={en.flag.who.schedule}
      list={SCHEDULE}
      about={props.to === undefined ? [SCHEDULE, RAMP] : [SCHEDULE, RAMP, PERCENTAGE]}
      edits={[
        ...editsTo(props.flag, props.outline, SCHEDULE, isEmpty ? undefined : stages),
        ...editsTo(props.flag, props.outline, RAMP, nextRamp),
      ]}
    >
      <p class="muted">{words.scheduleHint}</p>
      {props.to !== undefined && <p class="muted">{words.scheduleFrom(exactPercent(present))}</p>}
      {list.map((stage, at) => (
        <Row key={stage.id} label={words.stage(at + 1)} onRemove={() => setList(replaced(list, at))}>
          <input
            class="field"
            type="datetime-local"
            required
            aria-label={words.from}
            value={local(stage.at)}
            onChange={(event) =>
              event.currentTarget.value &&
              setList(replaced(list, at, { ...stage, at: universal(event.currentTarget.value) }))
            }
          />
          <Percentage
            value={stage.percentage}
            onChange={(percentage) => setList(replaced(list, at, { ...stage, percentage }))}
          />
        </Row>
      ))}
      <div class="row tight">
        <button type="button" class="btn small" onClick={() => setList([...list, nextStage(list)])}>
          {words.addStage}
        </button>
        {!isEmpty && (
          <Choice
            label={words.ramp}
            value={ramp}
            options={[
              ['step', words.inSteps],
              ['linear', words.linear],
            ]}
            onChange={setRamp}
          />
        )}
      </div>
    </PartForm>
  );
}
