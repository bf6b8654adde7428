/** A form for one part of a flag. */

import type { ComponentChildren, JSX } from 'preact';
import type { Edit, Path, Value } from '../../../draft/store.ts';
import { inheritedFrom } from '../../../draft/values.ts';
import type { Outline } from '../../../engine.ts';
import { DraftForm, editsAt } from '../../../forms/form.tsx';
import { en } from '../../../words/en.ts';

const words = en.flag.forms;

export interface FormProps {
  readonly flag: string;
  /** The flag as it is in use. */
  readonly outline: Outline;
  /** The flag as the draft has it. */
  readonly drafted: Outline;
  readonly onClose: () => void;
}

/** What makes a value of the flag another one. */
export const editsTo = (flag: string, outline: Outline, path: Path, value: Value | undefined): readonly Edit[] =>
  editsAt(['flags', flag], outline, path, value);

function Inherited({ outline, path }: { outline: Outline; path: Path }): JSX.Element | null {
  const from = inheritedFrom(outline, ...path);
  return from ? <p class="notice">{words.replaces(from)}</p> : null;
}

export function PartForm(props: {
  title: string;
  flag: string;
  outline: Outline;
  /** The list that takes the place of one that is inherited. */
  list?: Path;
  /** What the form is about, in the flag. */
  about: readonly Path[];
  edits: readonly Edit[];
  children: ComponentChildren;
  onClose: () => void;
}): JSX.Element {
  const { title, flag, outline, list, about, edits, children, onClose } = props;
  return (
    <DraftForm title={title} about={about.map((path) => ['flags', flag, ...path])} edits={edits} onClose={onClose}>
      {list && <Inherited outline={outline} path={list} />}
      {children}
    </DraftForm>
  );
}
