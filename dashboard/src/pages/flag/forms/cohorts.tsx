/** Cohorts that always get the flag, or never. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Value } from '../../../draft/store.ts';
import { read } from '../../../draft/values.ts';
import { Choice, Row, replaced } from '../../../forms/rows.tsx';
import { useCohorts } from '../../../forms/sources.ts';
import { en } from '../../../words/en.ts';
import { COHORTS, type Switch, switches } from '../switches.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';

const words = en.flag.forms;
/** As the document has it; a map, where it has none yet. */
function written(list: readonly Switch[], isList: boolean): Value | undefined {
  if (list.length === 0) return undefined;
  return isList ? list.map(([name, gets]) => ({ [name]: gets })) : Object.fromEntries(list);
}

export function CohortsForm(props: FormProps): JSX.Element {
  const now = read<Value>(props.outline, ...COHORTS);
  const [list, setList] = useState(switches(props.drafted));
  const cohorts = useCohorts();
  const free = cohorts.filter((name) => !list.some(([taken]) => taken === name));
  return (
    <PartForm
      {...props}
      title={en.flag.who.cohorts}
      list={COHORTS}
      about={[COHORTS]}
      edits={editsTo(props.flag, props.outline, COHORTS, written(list, Array.isArray(now)))}
    >
      <p class="muted">{words.cohortsHint}</p>
      {list.map(([name, gets], at) => (
        <Row key={name} label={name} onRemove={() => setList(replaced(list, at))}>
          <span class="mono">{name}</span>
          <Choice
            label={words.decision}
            value={gets ? 'on' : 'off'}
            options={[
              ['on', words.always],
              ['off', words.never],
            ]}
            onChange={(decision) => setList(replaced(list, at, [name, decision === 'on'] as const))}
          />
        </Row>
      ))}
      {free.length > 0 && (
        <Choice
          label={words.addCohort}
          value=""
          options={[['', words.addCohort], ...free.map((name) => [name, name] as const)]}
          onChange={(name) => name && setList([...list, [name, true]])}
        />
      )}
      {cohorts.length === 0 && <p class="muted">{en.cohorts.none}</p>}
    </PartForm>
  );
}
