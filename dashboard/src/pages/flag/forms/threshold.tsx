/** The error threshold: when and how the flag is rolled back. Its keys and their limits are those of the schema. */

import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Edit, Value } from '../../../draft/store.ts';
import { inheritedFrom, type MapValue, read } from '../../../draft/values.ts';
import type { Outline } from '../../../engine.ts';
import { type KeySchema, type Schema, useSchema } from '../../../forms/sources.ts';
import { readValue, writeValue } from '../../../forms/typed.ts';
import { en } from '../../../words/en.ts';
import { type FormProps, PartForm } from './form.tsx';

const words = en.flag.forms;
const PATH = ['error_threshold'];

type Texts = Readonly<Record<string, string>>;

const texts = (values: MapValue | undefined): Texts =>
  Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, writeValue(value)]));

/** Only the keys that change: what a template says about the others stays the template's. */
function editsOfKeys(flag: string, outline: Outline, next: Texts): readonly Edit[] {
  const now = read<MapValue>(outline, ...PATH);
  const place = ['flags', flag, ...PATH];
  const filled = Object.entries(next).filter(([, text]) => text.trim() !== '');
  const isOwn = inheritedFrom(outline, ...PATH) === undefined;
  if (!now) {
    if (filled.length === 0) return [];
    return [
      { op: 'set', path: place, value: Object.fromEntries(filled.map(([name, text]) => [name, readValue(text)])) },
    ];
  }
  if (filled.length === 0 && isOwn) return [{ op: 'remove', path: place }];
  const before = texts(now);
  return [...new Set([...Object.keys(before), ...Object.keys(next)])].flatMap((name): readonly Edit[] => {
    const text = next[name]?.trim() ?? '';
    if (text === (before[name] ?? '')) return [];
    const path = [...place, name];
    return [text === '' ? { op: 'remove', path } : { op: 'set', path, value: readValue(text) }];
  });
}

const limits = ({ type, minimum, maximum }: KeySchema) => ({
  step: type === 'integer' ? '1' : 'any',
  ...(minimum === undefined ? {} : { min: minimum }),
  ...(maximum === undefined ? {} : { max: maximum }),
});

function Input(props: {
  id: string;
  schema: KeySchema;
  value: string;
  isInherited: boolean;
  onInput: (value: string) => void;
}): JSX.Element {
  const { schema } = props;
  const preset = schema.default === undefined ? '' : writeValue(schema.default as Value);
  if (schema.enum) {
    return (
      <select
        id={props.id}
        class="field"
        value={props.value}
        onChange={(event) => props.onInput(event.currentTarget.value)}
      >
        {!props.isInherited && <option value="">{words.preset(preset)}</option>}
        {schema.enum.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    );
  }
  const isNumber = schema.type === 'number' || schema.type === 'integer';
  return (
    <input
      id={props.id}
      class="field"
      {...(isNumber ? { type: 'number' as const, ...limits(schema) } : {})}
      required={props.isInherited}
      placeholder={preset}
      autocomplete="off"
      value={props.value}
      onInput={(event) => props.onInput(event.currentTarget.value)}
    />
  );
}

function Key(props: {
  name: string;
  schema: KeySchema;
  value: string;
  from: string | undefined;
  onInput: (value: string) => void;
}): JSX.Element {
  const id = useId();
  return (
    <div class="form-key">
      <label for={id} class="mono">
        {props.name}
      </label>
      <Input id={id} {...props} isInherited={props.from !== undefined} />
      <span class="muted">
        {props.schema.description}
        {props.from && ` ${words.isFrom(props.from)}`}
      </span>
    </div>
  );
}

/** Those that are set stand first. */
function keysOf(schema: Schema | undefined, set: Texts): readonly (readonly [string, KeySchema])[] {
  const all = Object.entries(schema?.$defs.ErrorThreshold.properties ?? {});
  return [...all.filter(([name]) => name in set), ...all.filter(([name]) => !(name in set))];
}

export function ThresholdForm(props: FormProps): JSX.Element {
  const [before] = useState(() => texts(read<MapValue>(props.drafted, ...PATH)));
  const [next, setNext] = useState(before);
  const schema = useSchema();
  return (
    <PartForm
      {...props}
      title={en.flag.who.threshold}
      about={[PATH]}
      edits={editsOfKeys(props.flag, props.outline, next)}
    >
      <p class="muted">{words.thresholdHint}</p>
      <div class="form-keys">
        {keysOf(schema, before).map(([name, key]) => (
          <Key
            key={name}
            name={name}
            schema={key}
            value={next[name] ?? ''}
            from={inheritedFrom(props.outline, ...PATH, name)}
            onInput={(text) => setNext({ ...next, [name]: text })}
          />
        ))}
      </div>
    </PartForm>
  );
}
