/** Conditions: tests of attributes, cohorts and other flags. What is nested is kept as it is. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { rows } from '../../../data/store.ts';
import type { Value } from '../../../draft/store.ts';
import { en } from '../../../words/en.ts';
import { isMap, type MapValue, oneLine, read } from '../values.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';
import { Choice, Field, Row, replaced } from './rows.tsx';
import { useCohorts, useSchema } from './sources.ts';
import { OF_LISTS, OF_NOTHING, readOperand, writeOperand } from './typed.ts';

const words = en.flag.forms;
const PATH = ['conditions'];

interface Part {
  readonly value: MapValue;
  readonly onChange: (value: MapValue) => void;
}

function Test({ value, onChange, operators }: Part & { operators: readonly string[] }): JSX.Element {
  const operator = String(value.operator ?? '==');
  const [text, setText] = useState(writeOperand(operator, value.value));
  const compare = (next: string, operand: string) => {
    const { value: _, ...rest } = value;
    setText(operand);
    onChange(
      OF_NOTHING.has(next)
        ? { ...rest, operator: next }
        : { ...rest, operator: next, value: readOperand(next, operand) },
    );
  };
  return (
    <>
      <Field
        label={words.attribute}
        class="mono"
        value={String(value.attribute ?? '')}
        onInput={(attribute) => onChange({ ...value, attribute })}
      />
      <Choice
        label={words.operator}
        value={operator}
        options={operators.map((name) => [name, en.operators[name] ?? name])}
        onChange={(next) => compare(next, text)}
      />
      {!OF_NOTHING.has(operator) && (
        <Field
          label={words.value}
          class="mono"
          placeholder={OF_LISTS.has(operator) ? words.values : words.value}
          value={text}
          onInput={(operand) => compare(operator, operand)}
        />
      )}
    </>
  );
}

function InCohort({ value, onChange, cohorts }: Part & { cohorts: readonly string[] }): JSX.Element {
  return (
    <>
      {words.memberOf}
      <Choice
        label={words.cohort}
        value={String(value.cohort)}
        options={cohorts.map((name) => [name, name])}
        onChange={(cohort) => onChange({ cohort })}
      />
    </>
  );
}

function OtherFlag({ value, onChange, flag }: Part & { flag: string }): JSX.Element {
  const others = rows.value.filter(({ key }) => key !== flag).map(({ key }) => [key, key] as const);
  return (
    <>
      {words.flag}
      <Choice
        label={words.flag}
        value={String(value.flag)}
        options={others}
        onChange={(other) => onChange({ ...value, flag: other })}
      />
      {'variant' in value ? (
        <Field
          label={words.variant}
          class="mono"
          value={String(value.variant)}
          onInput={(variant) => onChange({ ...value, variant })}
        />
      ) : (
        <Choice
          label={words.decision}
          value={value.enabled === false ? 'off' : 'on'}
          options={[
            ['on', en.why.on],
            ['off', en.why.off],
          ]}
          onChange={(decision) =>
            onChange(decision === 'on' ? { flag: value.flag ?? '' } : { ...value, enabled: false })
          }
        />
      )}
    </>
  );
}

function Inner(props: Part & { flag: string; operators: readonly string[]; cohorts: readonly string[] }): JSX.Element {
  if ('attribute' in props.value) return <Test {...props} />;
  if ('cohort' in props.value) return <InCohort {...props} />;
  if ('flag' in props.value) return <OtherFlag {...props} />;
  return (
    <span>
      <span class="mono">{oneLine(props.value)}</span> <span class="muted">{words.nested}</span>
    </span>
  );
}

export function ConditionsForm(props: FormProps): JSX.Element {
  const [list, setList] = useState(
    (read<readonly Value[]>(props.drafted, ...PATH) ?? []).filter(isMap).map((value, id) => ({ id, value })),
  );
  const schema = useSchema();
  const cohorts = useCohorts();
  const operators = schema?.$defs.Operator.enum ?? [];
  const set = (at: number, value?: MapValue) =>
    setList(replaced(list, at, value && { id: list[at]?.id ?? at, value }) as typeof list);
  const add = (value: MapValue) => setList([...list, { id: Math.max(-1, ...list.map(({ id }) => id)) + 1, value }]);
  const values = list.map(({ value }) => value);
  return (
    <PartForm
      {...props}
      title={en.flag.who.conditions}
      list={PATH}
      about={[PATH]}
      edits={editsTo(props.flag, props.outline, PATH, values.length > 0 ? values : undefined)}
    >
      <p class="muted">{words.conditionsHint}</p>
      {list.map(({ id, value }, at) => {
        const isNot = isMap(value.not as Value);
        const inner = isNot ? (value.not as MapValue) : value;
        const wrap = (one: MapValue, not: boolean): MapValue => (not ? { not: one } : one);
        return (
          <Row key={id} label={words.condition(at + 1)} onRemove={() => set(at)}>
            <label class="chip">
              <input
                type="checkbox"
                checked={isNot}
                onChange={(event) => set(at, wrap(inner, event.currentTarget.checked))}
              />{' '}
              {en.flag.who.not}
            </label>
            <Inner
              value={inner}
              onChange={(one) => set(at, wrap(one, isNot))}
              flag={props.flag}
              operators={operators}
              cohorts={cohorts}
            />
          </Row>
        );
      })}
      <div class="row tight">
        <button type="button" class="btn small" onClick={() => add({ attribute: '', operator: '==', value: '' })}>
          {words.addTest}
        </button>
        {cohorts[0] !== undefined && (
          <button type="button" class="btn small" onClick={() => add({ cohort: cohorts[0] ?? '' })}>
            {words.addCohort}
          </button>
        )}
        {rows.value.length > 1 && (
          <button
            type="button"
            class="btn small"
            onClick={() => add({ flag: rows.value.find(({ key }) => key !== props.flag)?.key ?? '' })}
          >
            {words.addFlag}
          </button>
        )}
      </div>
    </PartForm>
  );
}
