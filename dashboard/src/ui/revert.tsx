/** Brings a revision back: what changes for users by it, and why. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { PublishAnswer } from '../data/api.ts';
import { get, type Problem, post } from '../data/http.ts';
import { overview } from '../data/store.ts';
import type { Difference } from '../engine.ts';
import { en } from '../words/en.ts';
import { Dialog } from './dialog.tsx';
import { DifferenceTable } from './difference.tsx';
import { useFetched } from './fetched.ts';
import { Waiting } from './parts.tsx';
import { Reason } from './reason.tsx';
import { Refusal, removesFlags } from './removal.tsx';

const words = en.history;

export function RevertDialog({
  number,
  why = '',
  onClose,
  onDone,
}: {
  number: number;
  /** A reason that one may change. */
  why?: string;
  onClose: () => void;
  onDone: (number: number, difference: Difference | undefined) => void;
}): JSX.Element {
  const [reason, setReason] = useState(why);
  const [problem, setProblem] = useState<Problem>();
  const [sending, setSending] = useState(false);
  // What was previewed is what is published, or nothing: somebody may publish while the dialog is open.
  const [{ inUse, digest }] = useState(() => ({
    inUse: overview.value?.revision ?? number,
    digest: overview.value?.digest ?? '',
  }));
  const preview = useFetched(`${inUse} ${number}`, () => get<Difference>(`/revisions/${inUse}/diff?to=${number}`));
  const [isAllowed, setAllowed] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    try {
      const answer = await post<PublishAnswer>(
        `/revisions/${number}/revert${isAllowed ? '?allow_removal=true' : ''}`,
        { reason },
        { 'if-match': `"${digest}"` },
      );
      onDone(answer?.revision ?? number, preview.value);
    } catch (error) {
      setProblem(error as Problem);
      setSending(false);
    }
  };
  return (
    <Dialog title={words.revertTitle(number)} onClose={onClose} wide>
      <form onSubmit={submit}>
        <p>{words.revertText}</p>
        {preview.value ? (
          <DifferenceTable difference={preview.value} />
        ) : (
          <Waiting text={en.review.comparing} problem={preview.problem} />
        )}
        <Reason label={en.review.why} hint={en.review.whyHint} value={reason} onInput={setReason} />
        <Refusal problem={problem} isAllowed={isAllowed} onAllow={setAllowed} />
        <div class="row buttons">
          <button type="submit" class="btn primary" disabled={sending || (removesFlags(problem) && !isAllowed)}>
            {sending ? en.command.sending : words.submit}
          </button>
          <button type="button" class="btn" onClick={onClose}>
            {en.command.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
