/** A new flag: a key and a description, at 0 percent. It becomes a draft like any other change. */

import type { JSX } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { rowOf } from '../../data/store.ts';
import { base, baseFailure, wantBase } from '../../draft/document.ts';
import { change } from '../../draft/store.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { ErrorNote } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.flags.create;

function Field(props: {
  label: string;
  hint: string;
  value: string;
  mono?: boolean;
  onInput: (value: string) => void;
}): JSX.Element {
  const id = useId();
  return (
    <>
      <label class="block" for={id}>
        {props.label} <span class="muted">{props.hint}</span>
      </label>
      <input
        id={id}
        class={`field full ${props.mono ? 'mono' : ''}`}
        required
        maxLength={200}
        autocomplete="off"
        autoFocus={props.mono === true}
        value={props.value}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
    </>
  );
}

export function NewFlag({ onClose }: { onClose: () => void }): JSX.Element {
  useEffect(wantBase, []);
  const [key, setKey] = useState('');
  const [description, setDescription] = useState('');
  const [, navigate] = useLocation();
  const isTaken = rowOf.value.has(key.trim());
  const submit = (event: Event) => {
    event.preventDefault();
    if (!base.value || isTaken) return;
    const value = { description: description.trim(), rollout: { percentage: 0 } };
    change(base.value, { op: 'insert', path: ['flags'], key: key.trim(), value });
    navigate('/review');
  };
  return (
    <Dialog title={en.flags.newFlag} onClose={onClose}>
      <form onSubmit={submit}>
        <p>{words.text}</p>
        <Field label={words.key} hint={words.keyHint} value={key} mono onInput={setKey} />
        {isTaken && <p class="notice">{words.taken(key.trim())}</p>}
        <Field label={words.description} hint={words.descriptionHint} value={description} onInput={setDescription} />
        <ErrorNote problem={baseFailure.value} />
        <div class="row buttons">
          <button type="submit" class="btn primary" disabled={!base.value || isTaken}>
            {en.flag.who.review}
          </button>
          <button type="button" class="btn" onClick={onClose}>
            {en.command.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
