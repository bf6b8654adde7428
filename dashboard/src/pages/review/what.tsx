/** What changes: each key that the draft sets, as it is and as it would be. */

import type { JSX } from 'preact';
import type { Difference } from '../../data/api.ts';
import { draft, draftFlags, type Edit, type Value } from '../../draft/store.ts';
import { engine } from '../../engine/client.ts';
import type { Outline } from '../../engine.ts';
import { DifferenceTable } from '../../ui/difference.tsx';
import { useFetched } from '../../ui/fetched.ts';
import { Link } from '../../ui/link.tsx';
import { Panel, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';
import { steps } from '../flag/schedule.tsx';
import { oneLine, read } from '../flag/values.ts';

const words = en.review;

type PathEdit = Exclude<Edit, { op: 'text' }>;

const isStep = (value: Value): value is { at: string; percentage: number } =>
  typeof value === 'object' && value !== null && 'at' in value && 'percentage' in value;

/** A value in the words of its key. */
export function valueWords(key: string, value: Value | undefined): string {
  if (value === undefined) return words.unset;
  if (key === 'percentage' && typeof value === 'number') return exactPercent(value);
  if (Array.isArray(value) && value.every(isStep)) return steps(value as never);
  return oneLine(value);
}

function Row({ edit, outline }: { edit: PathEdit; outline: Outline | undefined }): JSX.Element {
  const added = edit.op === 'insert' && edit.key !== undefined ? [edit.key] : [];
  const [, flag, ...path] = [...edit.path.map(String), ...added];
  const key = path.at(-1) ?? '';
  const now = outline && read<Value>(outline, ...path);
  return (
    <tr>
      <th scope="row">
        <Link class="mono" href={`/flags/${encodeURIComponent(flag ?? '')}`}>
          {flag}
        </Link>
      </th>
      <td>{path.join(' · ') || words.wholeFlag}</td>
      <td>{path.length === 0 && edit.op === 'remove' ? words.wholeFlag : valueWords(key, now)}</td>
      <td class="strong">{edit.op === 'remove' ? words.removed : valueWords(key, edit.value)}</td>
    </tr>
  );
}

function Edits({ edits, older }: { edits: readonly PathEdit[]; older: string }): JSX.Element {
  const flags = draftFlags.value;
  const { value } = useFetched(`${flags.join()} ${older.length} ${draft.value?.digest}`, async () => {
    const entries = await Promise.all(flags.map(async (flag) => [flag, await engine().outline(older, flag)] as const));
    return new Map(entries);
  });
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
          <Row key={edit.path.join()} edit={edit} outline={value?.get(String(edit.path[1]))} />
        ))}
      </tbody>
    </table>
  );
}

export function What({ difference, older }: { difference: Difference | undefined; older: string }): JSX.Element {
  const edits = draft.value?.edits ?? [];
  const paths = edits.filter((edit): edit is PathEdit => edit.op !== 'text');
  return (
    <Panel title={words.what}>
      {paths.length > 0 && <Edits edits={paths} older={older} />}
      {paths.length < edits.length &&
        (difference ? <DifferenceTable difference={difference} /> : <Waiting text={words.comparing} />)}
    </Panel>
  );
}
