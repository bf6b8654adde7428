/** What changes: each key that the draft sets, as it is and as it would be. */

import type { JSX } from 'preact';
import { isPathEdit, outlines, ownerOf, type PathEdit, valueAt } from '../../draft/outlines.ts';
import { draft, placeOf, type Value } from '../../draft/store.ts';
import { oneLine, type Values } from '../../draft/values.ts';
import type { Difference } from '../../engine.ts';
import { Part as Condition } from '../../ui/condition.tsx';
import { DifferenceTable } from '../../ui/difference.tsx';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { Panel, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';
import { steps } from '../flag/schedule.tsx';

const words = en.review;

const isStep = (value: Value): value is { at: string; percentage: number } =>
  typeof value === 'object' && value !== null && 'at' in value && 'percentage' in value;

/** A value in the words of its key. */
export function valueWords(key: string, value: Value | undefined): string {
  if (value === undefined) return words.unset;
  if (key === 'percentage' && typeof value === 'number') return exactPercent(value);
  if (Array.isArray(value) && value.every(isStep)) return steps(value as never);
  return oneLine(value);
}

/** A value in the words of its key, with conditions as sentences. */
function Shown({ name, value }: { name: string; value: Value | undefined }): JSX.Element {
  const isConditions = (name === 'conditions' || name === 'when') && Array.isArray(value) && value.length > 0;
  return <span>{isConditions ? <Condition value={{ all: value }} /> : valueWords(name, value)}</span>;
}

/** What a whole flag or cohort is called, where an edit is of all of it. */
const wholeOf = (part: string | number | undefined): string =>
  part === 'cohorts' ? words.wholeCohort : words.wholeFlag;

function Row({ edit, outline }: { edit: PathEdit; outline: Values | undefined }): JSX.Element {
  const place = placeOf(edit);
  const [part, owner, ...path] = place;
  const key = String(path.at(-1) ?? '');
  const isWhole = path.length === 0;
  const name = encodeURIComponent(String(owner ?? ''));
  return (
    <tr>
      <th scope="row">
        <Link class="mono" href={part === 'cohorts' ? `/cohorts#${name}` : `/flags/${name}`}>
          {owner ?? part}
        </Link>
      </th>
      <td>{isWhole ? wholeOf(part) : path.join(' · ')}</td>
      <td data-name={words.now}>
        {isWhole && edit.op === 'remove' ? wholeOf(part) : <Shown name={key} value={valueAt(outline, place)} />}
      </td>
      <td class="strong" data-name={words.after}>
        {edit.op === 'remove' ? words.removed : <Shown name={key} value={edit.value} />}
      </td>
    </tr>
  );
}

function Edits({ edits, older }: { edits: readonly PathEdit[]; older: string }): JSX.Element {
  const owners = edits.map(ownerOf).join(' ');
  const { value } = useFetched(`${owners} ${older.length} ${draft.value?.digest}`, () => outlines(older, edits));
  return (
    <table class="roomy">
      <thead>
        <tr>
          <th scope="col">{words.flag}</th>
          <th scope="col">{words.key}</th>
          <th scope="col">{words.now}</th>
          <th scope="col">{words.after}</th>
        </tr>
      </thead>
      <tbody>
        {edits.map((edit) => (
          <Row key={placeOf(edit).join()} edit={edit} outline={value?.get(ownerOf(edit))} />
        ))}
      </tbody>
    </table>
  );
}

export function What({ difference, older }: { difference: Difference | undefined; older: string }): JSX.Element {
  const edits = draft.value?.edits ?? [];
  const paths = edits.filter(isPathEdit);
  return (
    <Panel title={words.what}>
      {paths.length > 0 && <Edits edits={paths} older={older} />}
      {paths.length < edits.length &&
        (difference ? <DifferenceTable difference={difference} /> : <Waiting text={words.comparing} />)}
    </Panel>
  );
}
