/** Publishing: with a reason, with what was seen, and only onto the revision that was looked at. */

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { PublishAnswer } from '../../data/api.ts';
import { type Problem, put } from '../../data/http.ts';
import { evidenceRises, waitsForPerson } from '../../data/rows.ts';
import { hosts, liveFlags, may, meta, now, overview } from '../../data/store.ts';
import { draftOf } from '../../draft/document.ts';
import { conflicts, movedTo } from '../../draft/rebase.ts';
import { discard } from '../../draft/store.ts';
import type { Difference, FlagDifference } from '../../engine.ts';
import { Panel } from '../../ui/parts.tsx';
import { Refusal, removesFlags } from '../../ui/removal.tsx';
import { RevertDialog } from '../../ui/revert.tsx';
import { en } from '../../words/en.ts';
import { span } from '../../words/format.ts';
import { AsSchedule } from './as-schedule.tsx';
import { useChecked } from './checks.tsx';

const words = en.review;

interface Done {
  readonly revision: number;
  readonly at: number;
  /** When all hosts had it. */
  readonly arrivedAt: number | undefined;
  /** The revision that it was put on. */
  readonly before: number;
  /** What users have again, once it is undone. */
  readonly undone?: string;
}

export const publishedNow = signal<Done | undefined>(undefined);

/** On how many hosts it is. */
function Arrival({ done }: { done: Done }): JSX.Element | null {
  const counted = hosts.value;
  if (!counted || counted.total === 0) return null;
  const isThere = counted.inStep === counted.total && (overview.value?.revision ?? 0) >= done.revision;
  if (isThere && done.arrivedAt === undefined) publishedNow.value = { ...done, arrivedAt: Date.now() };
  const until = done.arrivedAt ?? now.value;
  return <span>{words.arrived(counted.inStep, counted.total, span(Math.max(0, until - done.at)))}</span>;
}

/** A percentage that is back, where nothing else was changed; else the revision. */
function againWords(before: number, difference: Difference | undefined): string {
  const changes = difference?.flags.flatMap(({ changes }) => changes) ?? [];
  const [only] = changes.length === 1 ? changes : [];
  return only?.to && only.what.endsWith('percentage') ? only.to : words.asIn(before);
}

function Undone({ what }: { what: string }): JSX.Element {
  const { inStep = 0, total = 0 } = hosts.value ?? {};
  return (
    <p class="done" role="status">
      {words.undone(what, inStep, total)}
    </p>
  );
}

export function Published(): JSX.Element | null {
  const done = publishedNow.value;
  const [isUndoing, setUndoing] = useState(false);
  if (!done) return null;
  if (done.undone) return <Undone what={done.undone} />;
  // What is undone is compared with what is in use, so the page waits for that.
  const isInUse = (overview.value?.revision ?? 0) >= done.revision;
  return (
    <p class="done" role="status">
      <b>{words.published(done.revision)}</b> <Arrival done={done} />{' '}
      <button type="button" class="btn small" disabled={!isInUse} onClick={() => setUndoing(true)}>
        {words.undoNow}
      </button>
      {isUndoing && (
        <RevertDialog
          number={done.before}
          why={words.undoReason(done.revision)}
          onClose={() => setUndoing(false)}
          onDone={(_, difference) => {
            publishedNow.value = { ...done, undone: againWords(done.before, difference) };
          }}
        />
      )}
    </p>
  );
}

/** Whether users may gain it. A list of users has no share: it may be of anybody. */
function mayGain({ status, shares }: FlagDifference): boolean {
  return shares.length === 0 ? status !== 'removed' : shares.some(({ gain }) => gain.percent > 0);
}

/** Flags whose outcomes, or whose operator, speak against giving them to more users. */
function dangers(difference: Difference | undefined): { rising: boolean; held: boolean } {
  const own = difference?.flags.filter(mayGain) ?? [];
  const live = own.map(({ flag }) => liveFlags.value.get(flag));
  return {
    rising: live.some(evidenceRises),
    held: live.some((one) => waitsForPerson(one) || one?.state === 'half_open'),
  };
}

/** The server compares with what it has, so nobody's work is overwritten. */
function send(text: string, reason: string, digest: string, removes: boolean): Promise<PublishAnswer> {
  const query = `reason=${encodeURIComponent(reason)}${removes ? '&allow_removal=true' : ''}`;
  return put<PublishAnswer>(`/flags?${query}`, text, { 'if-match': `"${digest}"` });
}

function Seen({ text, onChange }: { text: string; onChange: (on: boolean) => void }): JSX.Element {
  return (
    <label class="notice block">
      <input type="checkbox" required onChange={(event) => onChange(event.currentTarget.checked)} /> {text}
    </label>
  );
}

function Form({ newer, difference }: { newer: string; difference: Difference | undefined }): JSX.Element {
  const id = useId();
  const [reason, setReason] = useState('');
  const [seen, setSeen] = useState(false);
  // For which text somebody has said that flags go.
  const [removing, setRemoving] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const { value: checked } = useChecked(newer);
  const { rising, held } = dangers(difference);
  const mine = draftOf(newer);
  const isKnown = checked?.valid === true && difference !== undefined;
  const isReady = isKnown && mine !== undefined && conflicts.value.length === 0 && (!(rising || held) || seen);
  const isAllowed = removing === newer;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!mine) return;
    setBusy(true);
    setProblem(undefined);
    try {
      const { revision } = await send(newer, reason.trim(), mine.digest, isAllowed);
      publishedNow.value = { revision, at: Date.now(), arrivedAt: undefined, before: mine.revision };
      movedTo.value = undefined;
      discard();
    } catch (error) {
      setProblem(error as Problem);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <label class="block" for={id}>
        {words.why} <span class="muted">{words.whyHint}</span>
      </label>
      <textarea
        id={id}
        class="field"
        rows={2}
        required
        maxLength={1000}
        value={reason}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      {(rising || held) && <Seen text={held ? words.seenHeld : words.seen} onChange={setSeen} />}
      <Refusal problem={problem} isAllowed={isAllowed} onAllow={(on) => setRemoving(on ? newer : undefined)} />
      <div class="row buttons">
        <button type="submit" class="btn primary" disabled={busy || !isReady || (removesFlags(problem) && !isAllowed)}>
          {busy ? words.publishing : words.publishTo(hosts.value?.total ?? 0)}
        </button>
        <span class="muted">{words.undo}</span>
      </div>
    </form>
  );
}

export function Publish(props: { newer: string; difference: Difference | undefined }): JSX.Element {
  const isManaged = meta.value?.document.mode === 'none';
  return (
    <Panel title={words.publish}>
      <AsSchedule />
      {may('publisher') && !isManaged ? (
        <Form {...props} />
      ) : (
        <p class="notice">{isManaged ? en.banner.managed : words.mayNot}</p>
      )}
    </Panel>
  );
}
