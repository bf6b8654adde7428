/** Rows of fields, each of which can be removed. */

import type { ComponentChildren, JSX } from 'preact';
import { en } from '../words/en.ts';

const words = en.flag.forms;

export function Row(props: {
  label: string;
  onRemove: () => void;
  children: ComponentChildren;
  /** What the row contains that has rows itself. */
  below?: ComponentChildren;
}): JSX.Element {
  return (
    <fieldset class="plain row tight form-row">
      <legend class="hidden-text">{props.label}</legend>
      {props.children}
      <button type="button" class="btn small end" aria-label={words.remove(props.label)} onClick={props.onRemove}>
        ✕
      </button>
      {props.below}
    </fieldset>
  );
}

export function Field(props: {
  label: string;
  value: string;
  class?: string;
  placeholder?: string;
  onInput: (value: string) => void;
}): JSX.Element {
  return (
    <input
      class={`field ${props.class ?? ''}`}
      aria-label={props.label}
      placeholder={props.placeholder ?? props.label}
      autocomplete="off"
      maxLength={4000}
      value={props.value}
      onInput={(event) => props.onInput(event.currentTarget.value)}
    />
  );
}

/** What is chosen is among the options, also before they are known, and if it is the name of something that is gone. */
export function Choice(props: {
  label: string;
  value: string;
  options: readonly (readonly [value: string, text: string])[];
  onChange: (value: string) => void;
}): JSX.Element {
  const isKnown = props.options.some(([value]) => value === props.value);
  const options = isKnown ? props.options : [[props.value, props.value] as const, ...props.options];
  return (
    <select
      class="field"
      aria-label={props.label}
      value={props.value}
      onChange={(event) => props.onChange(event.currentTarget.value)}
    >
      {options.map(([value, text]) => (
        <option key={value} value={value}>
          {text}
        </option>
      ))}
    </select>
  );
}

export function Percentage(props: { value: number; onChange: (value: number) => void }): JSX.Element {
  return (
    <label class="row tight">
      <input
        class="field number"
        type="number"
        min="0"
        max="100"
        step="0.001"
        required
        aria-label={words.percentage}
        value={props.value}
        onChange={(event) => event.currentTarget.reportValidity() && props.onChange(event.currentTarget.valueAsNumber)}
      />
      %
    </label>
  );
}

/** A list with one place changed; without it where the new value is left out. */
export function replaced<T>(list: readonly T[], at: number, value?: T): readonly T[] {
  return list.flatMap((old, place) => (place !== at ? [old] : value === undefined ? [] : [value]));
}
