/** The conditions of the short form, all of which must hold. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Value } from '../../../draft/store.ts';
import { read } from '../../../draft/values.ts';
import { ConditionList, useNames } from '../../../forms/condition-list.tsx';
import { en } from '../../../words/en.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';

const PATH = ['conditions'];

export function ConditionsForm(props: FormProps): JSX.Element {
  const [list, setList] = useState(read<readonly Value[]>(props.drafted, ...PATH) ?? []);
  const names = useNames({ flag: props.flag });
  return (
    <PartForm
      {...props}
      title={en.flag.who.conditions}
      list={PATH}
      about={[PATH]}
      edits={editsTo(props.flag, props.outline, PATH, list.length > 0 ? list : undefined)}
    >
      <p class="muted">{en.flag.forms.conditionsHint}</p>
      <ConditionList list={list} names={names} onChange={setList} />
    </PartForm>
  );
}
