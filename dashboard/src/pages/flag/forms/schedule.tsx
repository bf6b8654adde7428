/** The schedule: percentages from given times on, in steps or as a ramp. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { now } from '../../../data/store.ts';
import { en } from '../../../words/en.ts';
import { read } from '../values.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';
import { Choice, Percentage, Row, replaced } from './rows.tsx';

const words = en.flag.forms;
const SCHEDULE = ['rollout', 'schedule'];
const RAMP = ['rollout', 'ramp'];
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

export function ScheduleForm(props: FormProps): JSX.Element {
  const [list, setList] = useState<readonly Stage[]>(
    (read<readonly Omit<Stage, 'id'>[]>(props.drafted, ...SCHEDULE) ?? []).map((stage, id) => ({ ...stage, id })),
  );
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
      about={[SCHEDULE, RAMP]}
      edits={[
        ...editsTo(props.flag, props.outline, SCHEDULE, isEmpty ? undefined : stages),
        ...editsTo(props.flag, props.outline, RAMP, nextRamp),
      ]}
    >
      <p class="muted">{words.scheduleHint}</p>
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
