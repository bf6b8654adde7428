/** Variants: their names, what each serves, and how many of the users get it. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Value } from '../../../draft/store.ts';
import { type MapValue, read } from '../../../draft/values.ts';
import { Field, Row, replaced } from '../../../forms/rows.tsx';
import { readValue, writeValue } from '../../../forms/typed.ts';
import { en } from '../../../words/en.ts';
import { exactPercent } from '../../../words/format.ts';
import { editsTo, type FormProps, PartForm } from './form.tsx';

const words = en.flag.forms;
const PATH = ['variants'];

interface Variant {
  readonly id: number;
  readonly name: string;
  readonly weight: number;
  /** As it is written in the field; empty where it serves what the flag serves. */
  readonly text: string;
}

function variant(value: MapValue, id: number): Variant {
  return { id, name: String(value.name ?? ''), weight: Number(value.weight ?? 1), text: writeValue(value.value) };
}

function written({ name, weight, text }: Variant): Value {
  return text.trim() === '' ? { name, weight } : { name, weight, value: readValue(text) };
}

function Weight(props: { value: number; share: number; onChange: (value: number) => void }): JSX.Element {
  return (
    <label class="row tight">
      <input
        class="field number"
        type="number"
        min="0"
        max="1048576"
        step="1"
        required
        aria-label={words.weight}
        value={props.value}
        onInput={(event) => event.currentTarget.validity.valid && props.onChange(event.currentTarget.valueAsNumber)}
      />
      <span class="muted">{exactPercent(props.share)}</span>
    </label>
  );
}

export function VariantsForm(props: FormProps): JSX.Element {
  const [list, setList] = useState<readonly Variant[]>(
    (read<readonly MapValue[]>(props.drafted, ...PATH) ?? []).map(variant),
  );
  const all = list.reduce((sum, { weight }) => sum + weight, 0);
  const set = (at: number, one: Variant, changes: Partial<Variant>) =>
    setList(replaced(list, at, { ...one, ...changes }));
  const add = () =>
    setList([...list, { id: Math.max(-1, ...list.map(({ id }) => id)) + 1, name: '', weight: 1, text: '' }]);
  return (
    <PartForm
      {...props}
      title={en.flag.who.variants}
      list={PATH}
      about={[PATH]}
      edits={editsTo(props.flag, props.outline, PATH, list.length > 0 ? list.map(written) : undefined)}
    >
      <p class="muted">{words.variantsHint}</p>
      {list.map((one, at) => (
        <Row key={one.id} label={words.variantAt(at + 1)} onRemove={() => setList(replaced(list, at))}>
          <Field label={words.name} class="mono" value={one.name} onInput={(name) => set(at, one, { name })} />
          <Field label={words.serves} class="mono" value={one.text} onInput={(text) => set(at, one, { text })} />
          <Weight
            value={one.weight}
            share={all === 0 ? 0 : (100 * one.weight) / all}
            onChange={(weight) => set(at, one, { weight })}
          />
        </Row>
      ))}
      <button type="button" class="btn small" onClick={add}>
        {words.addVariant}
      </button>
    </PartForm>
  );
}
