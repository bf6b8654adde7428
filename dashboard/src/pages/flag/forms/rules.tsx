/** Rules: tried in order before the conditions and the percentage of the flag; the first one that applies decides. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Value } from '../../../draft/store.ts';
import { isMap, type MapValue, oneLine, read } from '../../../draft/values.ts';
import { ConditionList, type Names, useNames } from '../../../forms/condition-list.tsx';
import { Choice, Field, Percentage, replaced } from '../../../forms/rows.tsx';
import { en } from '../../../words/en.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';

const words = en.flag.forms;
const PATH = ['rules'];

interface Rule {
  readonly id: number;
  readonly value: MapValue;
}

/** With a key changed; without it where the value is left out. */
function withKey(rule: MapValue, key: string, value: Value | undefined): MapValue {
  const { [key]: _, ...rest } = rule;
  return value === undefined ? rest : { ...rest, [key]: value };
}

function Served(props: {
  value: MapValue;
  variants: readonly string[];
  onChange: (value: MapValue) => void;
}): JSX.Element | null {
  const { value, variants, onChange } = props;
  if (value.variants !== undefined) {
    return (
      <span class="muted">
        {words.ownSplit} {oneLine(value.variants)}
      </span>
    );
  }
  if (variants.length === 0) return null;
  return (
    <Choice
      label={words.ruleServes}
      value={String(value.variant ?? '')}
      options={[['', words.flagSplit], ...variants.map((name) => [name, name] as const)]}
      onChange={(name) => onChange(withKey(value, 'variant', name === '' ? undefined : name))}
    />
  );
}

interface OneProps {
  readonly rule: MapValue;
  readonly label: string;
  readonly names: Names;
  readonly variants: readonly string[];
  readonly onChange: (value: MapValue) => void;
  readonly onRemove: () => void;
  readonly onUp?: (() => void) | undefined;
}

function One({ rule, label, names, variants, onChange, onRemove, onUp }: OneProps): JSX.Element {
  const conditions = (rule.conditions as readonly Value[] | undefined) ?? [];
  return (
    <fieldset class="form-rule">
      <legend>{label}</legend>
      <div class="row tight">
        <Field
          label={words.ruleName}
          value={String(rule.name ?? '')}
          onInput={(name) => onChange(withKey(rule, 'name', name === '' ? undefined : name))}
        />
        <Percentage
          value={Number(rule.percentage ?? 100)}
          onChange={(percentage) => onChange({ ...rule, percentage })}
        />
        <Served value={rule} variants={variants} onChange={onChange} />
        <span class="end row tight">
          {onUp && (
            <button type="button" class="btn small" aria-label={words.up(label)} onClick={onUp}>
              ↑
            </button>
          )}
          <button type="button" class="btn small" aria-label={words.remove(label)} onClick={onRemove}>
            ✕
          </button>
        </span>
      </div>
      <ConditionList
        within={label}
        list={conditions}
        names={names}
        onChange={(list) => onChange(withKey(rule, 'conditions', list.length > 0 ? list : undefined))}
      />
    </fieldset>
  );
}

/** With the rule at a place one place earlier. */
function moved(list: readonly Rule[], at: number): readonly Rule[] {
  const [before, rule] = [list[at - 1], list[at]];
  return before && rule ? [...list.slice(0, at - 1), rule, before, ...list.slice(at + 1)] : list;
}

export function RulesForm(props: FormProps): JSX.Element {
  const [list, setList] = useState<readonly Rule[]>(
    (read<readonly Value[]>(props.drafted, ...PATH) ?? []).filter(isMap).map((value, id) => ({ id, value })),
  );
  const names = useNames({ flag: props.flag });
  const variants = (read<readonly { name: string }[]>(props.drafted, 'variants') ?? []).map(({ name }) => name);
  const add = () => setList([...list, { id: Math.max(-1, ...list.map(({ id }) => id)) + 1, value: { percentage: 0 } }]);
  const values = list.map(({ value }) => value);
  return (
    <PartForm
      {...props}
      title={en.flag.who.rules}
      list={PATH}
      about={[PATH]}
      edits={editsTo(props.flag, props.outline, PATH, values.length > 0 ? values : undefined)}
    >
      <p class="muted">{words.rulesHint}</p>
      {list.map(({ id, value }, at) => (
        <One
          key={id}
          rule={value}
          label={words.rule(at + 1)}
          names={names}
          variants={variants}
          onChange={(next) => setList(replaced(list, at, { id, value: next }))}
          onRemove={() => setList(replaced(list, at))}
          onUp={at > 0 ? () => setList(moved(list, at)) : undefined}
        />
      ))}
      <button type="button" class="btn small" onClick={add}>
        {words.addRule}
      </button>
    </PartForm>
  );
}
