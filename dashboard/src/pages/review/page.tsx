/** Review: everything that a change does, before it is published. */

import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { meta } from '../../data/store.ts';
import { base, baseFailure, drafted, wantBase } from '../../draft/document.ts';
import { discard, draft, draftFlags } from '../../draft/store.ts';
import { download } from '../../ui/download.ts';
import { compareLines, patch } from '../../ui/lines.ts';
import { Link } from '../../ui/link.tsx';
import { Copy, Panel, Waiting } from '../../ui/parts.tsx';
import { TextDifference } from '../../ui/text-difference.tsx';
import { en } from '../../words/en.ts';
import { useDifference } from '../flag/blast.tsx';
import { Checks } from './checks.tsx';
import { Conflicts } from './conflicts.tsx';
import { Publish, Published, publishedNow } from './publish.tsx';
import { What } from './what.tsx';
import { Whom } from './whom.tsx';
import { Wrong } from './wrong.tsx';

const words = en.review;

const name = (): string => meta.value?.document.name ?? 'flags.yaml';

function Heading({ older, newer }: { older: string; newer: string }): JSX.Element {
  const flags = draftFlags.value;
  return (
    <>
      <div class="row head">
        <Link href="/flags">{en.nav.flags}</Link>
        {flags.length === 1 && (
          <>
            <span class="muted" aria-hidden="true">
              /
            </span>
            <Link class="mono" href={`/flags/${encodeURIComponent(flags[0] ?? '')}`}>
              {flags[0]}
            </Link>
          </>
        )}
        <span class="muted" aria-hidden="true">
          /
        </span>
        <h1>{words.title}</h1>
        <span class="chip">{words.from(draft.value?.revision ?? 0)}</span>
        <span class="end row tight">
          <button type="button" class="btn" onClick={discard}>
            {words.discard}
          </button>
          <button
            type="button"
            class="btn"
            onClick={() => download(`${name()}.patch`, 'text/x-patch', patch(name(), older, newer))}
          >
            {words.downloadPatch}
          </button>
          <Copy text={() => patch(name(), older, newer)} done={words.copied}>
            {words.copyPatch}
          </Copy>
        </span>
      </div>
      <p class="sub">{words.checked}</p>
    </>
  );
}

function TextPanel({ older, newer }: { older: string; newer: string }): JSX.Element {
  const lines = compareLines(older, newer);
  const added = lines.filter(({ kind }) => kind === 'added').length;
  const removed = lines.filter(({ kind }) => kind === 'removed').length;
  return (
    <Panel title={name()} aside={words.text(added, Math.max(0, removed - added))} class="text-panel">
      <TextDifference older={older} newer={newer} />
    </Panel>
  );
}

function Content({ older, newer }: { older: string; newer: string }): JSX.Element {
  const { value: difference, problem } = useDifference();
  return (
    <>
      <Heading older={older} newer={newer} />
      <Conflicts />
      <div class="columns review">
        <div class="stack">
          <What difference={difference} older={older} />
          <Whom difference={difference} problem={problem} older={older} newer={newer} />
          <Wrong />
        </div>
        <div class="stack">
          <TextPanel older={older} newer={newer} />
          <Checks newer={newer} />
          <Publish newer={newer} difference={difference} />
        </div>
      </div>
    </>
  );
}

export function ReviewPage(): JSX.Element {
  useEffect(wantBase, []);
  const onto = base.value;
  const now = drafted.value;
  if (!draft.value) {
    return (
      <>
        <h1>{words.title}</h1>
        {publishedNow.value ? <Published /> : <p>{words.none}</p>}
        <p>
          <Link href="/flags">{en.errors.home}</Link>
        </p>
      </>
    );
  }
  if (now?.declined) {
    return (
      <>
        <h1>{words.title}</h1>
        <p class="notice">
          {en.flag.who.declined} {now.declined}
        </p>
        <p>
          <button type="button" class="btn" onClick={discard}>
            {words.discard}
          </button>
        </p>
      </>
    );
  }
  if (!onto || now?.text === undefined) return <Waiting text={words.comparing} problem={baseFailure.value} />;
  return <Content older={onto.text} newer={now.text} />;
}
