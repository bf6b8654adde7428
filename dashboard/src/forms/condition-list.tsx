/** Conditions: tests of attributes, cohorts, other flags, and groups of conditions. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { rows } from '../data/store.ts';
import type { Value } from '../draft/store.ts';
import { isMap, type MapValue } from '../draft/values.ts';
import { en } from '../words/en.ts';
import { Choice, Field, Row, replaced } from './rows.tsx';
import { useCohorts, useSchema } from './sources.ts';
import { OF_LISTS, OF_NOTHING, readOperand, writeOperand } from './typed.ts';

const words = en.flag.forms;

/** What conditions can name. */
export interface Names {
  readonly operators: readonly string[];
  readonly cohorts: readonly string[];
  readonly flags: readonly string[];
}

/** What conditions of a flag or a cohort can name: anything but itself. */
export function useNames({ flag, cohort }: { flag?: string; cohort?: string }): Names {
  const operators = useSchema()?.$defs.Operator.enum ?? [];
  const cohorts = useCohorts().filter((name) => name !== cohort);
  const flags = rows.value.filter(({ key }) => key !== flag).map(({ key }) => key);
  // A cohort may name no flags: flags name cohorts.
  return { operators, cohorts, flags: cohort === undefined ? flags : [] };
}

interface Part {
  /** Of the row, for what is inside of it. */
  readonly label: string;
  readonly value: MapValue;
  readonly names: Names;
  readonly onChange: (value: MapValue) => void;
}

function Test({ value, onChange, names }: Part): JSX.Element {
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
        options={names.operators.map((name) => [name, en.operators[name] ?? name])}
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

function InCohort({ value, onChange, names }: Part): JSX.Element {
  return (
    <>
      {words.memberOf}
      <Choice
        label={words.cohort}
        value={String(value.cohort)}
        options={names.cohorts.map((name) => [name, name])}
        onChange={(cohort) => onChange({ cohort })}
      />
    </>
  );
}

function OtherFlag({ value, onChange, names }: Part): JSX.Element {
  return (
    <>
      {words.flag}
      <Choice
        label={words.flag}
        value={String(value.flag)}
        options={names.flags.map((key) => [key, key])}
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

const GROUPS = ['any', 'all'] as const;

const listOf = (value: MapValue): 'any' | 'all' | undefined =>
  'any' in value ? 'any' : 'all' in value ? 'all' : undefined;

/** Whether one of the conditions of a group must hold, or all. */
function Group({ value, onChange }: Part): JSX.Element {
  const of = listOf(value) ?? 'all';
  return (
    <Choice
      label={words.groupOf}
      value={of}
      options={GROUPS.map((name) => [name, words.groups[name]])}
      onChange={(next) => onChange({ [next]: value[of] ?? [] })}
    />
  );
}

/** The conditions of a group. */
function Nested({ label, value, onChange, names }: Part): JSX.Element | null {
  const of = listOf(value);
  if (!of) return null;
  return (
    <div class="form-group">
      <ConditionList
        within={label}
        list={value[of] as readonly Value[]}
        names={names}
        onChange={(next) => onChange({ [of]: next })}
      />
    </div>
  );
}

function Inner(props: Part): JSX.Element {
  if ('attribute' in props.value) return <Test {...props} />;
  if ('cohort' in props.value) return <InCohort {...props} />;
  if ('flag' in props.value) return <OtherFlag {...props} />;
  return <Group {...props} />;
}

/** A condition, and whether it must hold or must not. */
function One({ label, value, onChange, names, onRemove }: Part & { onRemove: () => void }): JSX.Element {
  const isNot = isMap(value.not as Value);
  const wrap = (inner: MapValue, not: boolean): MapValue => (not ? { not: inner } : inner);
  const inner = isNot ? (value.not as MapValue) : value;
  const part = { label, names, value: inner, onChange: (next: MapValue) => onChange(wrap(next, isNot)) };
  return (
    <Row label={label} onRemove={onRemove} below={<Nested {...part} />}>
      <label class="chip">
        <input
          type="checkbox"
          checked={isNot}
          onChange={(event) => onChange(wrap(inner, event.currentTarget.checked))}
        />{' '}
        {en.flag.who.not}
      </label>
      <Inner {...part} />
    </Row>
  );
}

function Add({ names, onAdd }: { names: Names; onAdd: (value: MapValue) => void }): JSX.Element {
  const [cohort] = names.cohorts;
  const [flag] = names.flags;
  const kinds: readonly (readonly [string, MapValue | undefined])[] = [
    [words.addTest, { attribute: '', operator: '==', value: '' }],
    [words.addCohort, cohort === undefined ? undefined : { cohort }],
    [words.addFlag, flag === undefined ? undefined : { flag }],
    [words.addGroup, { any: [] }],
  ];
  return (
    <div class="row tight">
      {kinds.map(
        ([text, value]) =>
          value && (
            <button key={text} type="button" class="btn small" onClick={() => onAdd(value)}>
              {text}
            </button>
          ),
      )}
    </div>
  );
}

export function ConditionList(props: {
  /** The row that the list is in. */
  within?: string;
  list: readonly Value[];
  names: Names;
  onChange: (list: readonly Value[]) => void;
}): JSX.Element {
  const { within, list, names, onChange } = props;
  // A row is the same one after another was removed; values alone do not say so, because two may be equal.
  const [ids, setIds] = useState(list.map((_, at) => at));
  const add = (value: MapValue) => {
    setIds([...ids, Math.max(-1, ...ids) + 1]);
    onChange([...list, value]);
  };
  const remove = (at: number) => {
    setIds(replaced(ids, at) as number[]);
    onChange(replaced(list, at));
  };
  return (
    <>
      {list.map((value, at) => {
        const label = within ? words.conditionIn(at + 1, within) : words.condition(at + 1);
        return (
          <One
            key={ids[at] ?? at}
            label={label}
            value={isMap(value) ? value : {}}
            names={names}
            onChange={(next) => onChange(replaced(list, at, next))}
            onRemove={() => remove(at)}
          />
        );
      })}
      <Add names={names} onAdd={add} />
    </>
  );
}
