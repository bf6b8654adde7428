/** Groups of users, and which flags name them. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { rowOf } from '../data/store.ts';
import { base, baseFailure, wantBase } from '../draft/document.ts';
import { engine } from '../engine/client.ts';
import type { Cohort } from '../engine.ts';
import { useFetched } from '../ui/fetched.ts';
import { Link } from '../ui/link.tsx';
import { Waiting } from '../ui/parts.tsx';
import { en } from '../words/en.ts';

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

function Row({ cohort }: { cohort: Cohort }): JSX.Element {
  const isOpen = cohort.users === 0 && cohort.when.length === 0;
  return (
    <tr id={cohort.name}>
      <th scope="row" class="mono">
        {cohort.name}
      </th>
      <td class="nowrap">
        {cohort.users > 0 ? words.listed(cohort.users) : isOpen ? <span class="muted">{words.hostNames}</span> : '–'}
      </td>
      <td>
        {cohort.when.map((condition) => (
          <div key={condition}>{condition}</div>
        ))}
      </td>
      <td class="nowrap">{cohort.except > 0 ? words.listed(cohort.except) : '–'}</td>
      <td>
        <Named names={cohort.namedBy} />
      </td>
    </tr>
  );
}

export function CohortsPage(): JSX.Element {
  useEffect(wantBase, []);
  const onto = base.value;
  const { value, problem } = useFetched(onto?.digest ?? '', async () =>
    onto ? engine().cohorts(onto.text) : undefined,
  );
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        <span class="muted">{words.text}</span>
        <Link class="btn end" href="/text?at=cohorts">
          {words.edit}
        </Link>
      </div>
      {!value && <Waiting text={en.why.loading} problem={baseFailure.value ?? problem} />}
      {value?.length === 0 && <p class="panel">{words.none}</p>}
      {value && value.length > 0 && (
        <div class="panel flush" role="region" aria-label={words.title} tabIndex={0}>
          <table class="roomy">
            <thead>
              <tr>
                <th scope="col">{words.name}</th>
                <th scope="col">{words.users}</th>
                <th scope="col">{words.when}</th>
                <th scope="col">{words.except}</th>
                <th scope="col">{words.named}</th>
              </tr>
            </thead>
            <tbody>
              {value.map((cohort) => (
                <Row key={cohort.name} cohort={cohort} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
