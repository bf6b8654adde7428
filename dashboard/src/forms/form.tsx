/** A form in a dialog. What it makes is tried as one types, and goes into the draft. */

import type { ComponentChildren, JSX } from 'preact';
import { apply, base, sentence } from '../draft/document.ts';
import { change, draft, type Edit, type Path, placeOf, samePath, undo, type Value } from '../draft/store.ts';
import { inheritedFrom, read, type Values } from '../draft/values.ts';
import { engine } from '../engine/client.ts';
import type { Diagnostic } from '../engine.ts';
import { Dialog } from '../ui/dialog.tsx';
import { useFetched } from '../ui/fetched.ts';
import { en } from '../words/en.ts';

const words = en.flag.forms;

const PAUSE_MS = 150;
const SHOWN = 3;

interface Tried {
  /** The document with it. */
  readonly text?: string;
  readonly declined?: string;
  readonly errors: readonly Diagnostic[];
}

/** The edits of the draft without those that a form makes anew. */
function without(places: readonly Path[]): readonly Edit[] {
  const isInside = (edit: Edit) => places.some((place) => samePath(placeOf(edit).slice(0, place.length), place));
  return draft.value?.edits.filter((edit) => !isInside(edit)) ?? [];
}

async function attempt(edits: readonly Edit[], places: readonly Path[], signal: AbortSignal): Promise<Tried> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  if (signal.aborted || !base.value) return { errors: [] };
  const edited = await apply(base.value.text, [...without(places), ...edits]);
  if ('declined' in edited) return { declined: sentence(edited.declined), errors: [] };
  const { diagnostics } = await engine().check(edited.text);
  return { text: edited.text, errors: diagnostics.filter(({ severity }) => severity === 'error') };
}

const same = (a: Value | undefined, b: Value | undefined): boolean => JSON.stringify(a) === JSON.stringify(b);

/** What makes the value at `path` of what stands at `of` another one: nothing, if it is that already. */
export function editsAt(of: Path, outline: Values, path: Path, value: Value | undefined): readonly Edit[] {
  const now = read<Value>(outline, ...path);
  const place = [...of, ...path];
  if (same(now, value)) return [];
  // What is inherited cannot be removed here; an empty list takes its place.
  if (value === undefined && inheritedFrom(outline, ...path)) return [{ op: 'set', path: place, value: [] }];
  return [value === undefined ? { op: 'remove', path: place } : { op: 'set', path: place, value }];
}

function Problems({ tried }: { tried: Tried | undefined }): JSX.Element {
  return (
    <div role="status">
      {tried?.declined && (
        <p class="error">
          {en.flag.who.declined} {tried.declined}
        </p>
      )}
      {tried?.errors.slice(0, SHOWN).map(({ path, message, help }) => (
        <p key={`${path} ${message}`} class="error">
          <span class="mono">{path}</span>: {message} {help && <span class="muted">{help}</span>}
        </p>
      ))}
    </div>
  );
}

export function DraftForm(props: {
  title: string;
  /** What the form is about: its earlier edits are made anew. */
  about: readonly Path[];
  edits: readonly Edit[];
  children: ComponentChildren;
  /** Whether something is missing that the engine does not know of. */
  isReady?: boolean;
  /** What comes of it, from the document with it. */
  effects?: (text: string) => ComponentChildren;
  onClose: () => void;
}): JSX.Element {
  const { value, problem } = useFetched(JSON.stringify(props.edits), (signal) =>
    attempt(props.edits, props.about, signal),
  );
  const isWrong =
    props.isReady === false || value === undefined || value.declined !== undefined || value.errors.length > 0;
  const submit = (event: Event) => {
    event.preventDefault();
    if (!base.value || isWrong) return;
    for (const place of props.about) undo(place);
    if (props.edits.length > 0) change(base.value, ...props.edits);
    props.onClose();
  };
  return (
    <Dialog title={props.title} onClose={props.onClose} wide>
      <form onSubmit={submit}>
        {props.children}
        <Problems tried={problem ? { declined: problem.message, errors: [] } : value} />
        {value?.text !== undefined && value.errors.length === 0 && props.effects?.(value.text)}
        <div class="row buttons">
          <button type="submit" class="btn primary" disabled={isWrong}>
            {words.apply}
          </button>
          <button type="button" class="btn" onClick={props.onClose}>
            {en.command.cancel}
          </button>
          <span class="muted">{words.draftOnly}</span>
        </div>
      </form>
    </Dialog>
  );
}
