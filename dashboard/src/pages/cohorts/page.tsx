/** Groups of users, and which flags name them. */

import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { rowOf } from '../../data/store.ts';
import { base, baseFailure, drafted, wantBase } from '../../draft/document.ts';
import { draft, placeOf } from '../../draft/store.ts';
import { engine } from '../../engine/client.ts';
import type { Cohort } from '../../engine.ts';
import { useFetched } from '../../ui/fetched.ts';
import { later } from '../../ui/later.tsx';
import { Link } from '../../ui/link.tsx';
import { Headings, TablePanel, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.cohorts;
const SHOWN = 6;

function Named({ names }: { names: readonly string[] }): JSX.Element {
  if (names.length === 0) return <span class="muted">{words.nobody}</span>;
  return (
    <div class="row tight">
      {names.slice(0, SHOWN).map((name) => (
        <Link
          key={name}
          class="chip mono"
          href={rowOf.value.has(name) ? `/flags/${encodeURIComponent(name)}` : `/cohorts#${encodeURIComponent(name)}`}
        >
          {name}
        </Link>
      ))}
      {names.length > SHOWN && <span class="muted">{en.flags.more(names.length - SHOWN)}</span>}
    </div>
  );
}

const CohortForm = later(() => import('./form.tsx').then((module) => module.CohortForm));

/** Whether the draft changes a cohort. */
const isEdited = (name: string): boolean =>
  draft.value?.edits.some((edit) => placeOf(edit)[0] === 'cohorts' && placeOf(edit)[1] === name) ?? false;

function Row({ cohort, onEdit }: { cohort: Cohort; onEdit: () => void }): JSX.Element {
  const isOpen = cohort.users === 0 && cohort.when.length === 0;
  return (
    <tr id={cohort.name}>
      <th scope="row" class="mono">
        {cohort.name} {isEdited(cohort.name) && <span class="chip">{en.flag.forms.inDraft}</span>}
      </th>
      <td class="nowrap" data-name={words.users}>
        {cohort.users > 0 ? words.listed(cohort.users) : isOpen ? <span class="muted">{words.hostNames}</span> : '–'}
      </td>
      <td data-name={words.when}>
        {cohort.when.length === 0 && '–'}
        {cohort.when.map((condition) => (
          <div key={condition}>{condition}</div>
        ))}
      </td>
      <td class="nowrap" data-name={words.except}>
        {cohort.except > 0 ? words.listed(cohort.except) : '–'}
      </td>
      <td data-name={words.named}>
        <Named names={cohort.namedBy} />
      </td>
      <td class="n">
        <button type="button" class="btn small" aria-label={en.flag.forms.editPart(cohort.name)} onClick={onEdit}>
          {en.flag.forms.edit}
        </button>
      </td>
    </tr>
  );
}

export function CohortsPage(): JSX.Element {
  useEffect(wantBase, []);
  // What the draft makes of them; while it cannot be made, what is in use.
  const text = drafted.value?.text ?? base.value?.text;
  const { value, problem } = useFetched(text ?? '', async () =>
    text === undefined ? undefined : engine().cohorts(text),
  );
  // The one that a form is open for; a new one has no name yet.
  const [open, setOpen] = useState<string>();
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        <span class="muted">{words.text}</span>
        <span class="end row tight">
          {draft.value?.edits.some((edit) => placeOf(edit)[0] === 'cohorts') && (
            <Link class="btn primary" href="/review">
              {en.flag.who.review}
            </Link>
          )}
          <Link class="btn" href="/text?at=cohorts">
            {words.edit}
          </Link>
          {value && (
            <button type="button" class="btn" onClick={() => setOpen('')}>
              {words.create}
            </button>
          )}
        </span>
      </div>
      {!value && <Waiting text={en.why.loading} problem={baseFailure.value ?? problem} />}
      {value?.length === 0 && <p class="panel">{words.none}</p>}
      {value && value.length > 0 && (
        <TablePanel
          label={words.title}
          headings={
            <Headings
              names={[words.name, words.users, words.when, words.except, words.named]}
              buttons={en.flags.column.actions}
            />
          }
        >
          {value.map((cohort) => (
            <Row key={cohort.name} cohort={cohort} onEdit={() => setOpen(cohort.name)} />
          ))}
        </TablePanel>
      )}
      {open !== undefined && value && (
        <CohortForm cohort={open} others={value.map(({ name }) => name)} onClose={() => setOpen(undefined)} />
      )}
    </>
  );
}
