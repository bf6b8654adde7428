/** The field in which somebody says why, which has to be filled in. */

import type { JSX } from 'preact';
import { useId } from 'preact/hooks';

export function Reason(props: {
  label: string;
  hint: string;
  value: string;
  onInput: (value: string) => void;
}): JSX.Element {
  const { label, hint, value, onInput } = props;
  const id = useId();
  return (
    <>
      <label class="block" for={id}>
        {label} <span class="muted">{hint}</span>
      </label>
      <input
        id={id}
        class="field full"
        value={value}
        required
        autoFocus
        maxLength={500}
        autocomplete="off"
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </>
  );
}
