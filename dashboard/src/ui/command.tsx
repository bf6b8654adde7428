/** Hold, release, acknowledge and the like: a dialog that says what comes of it and asks why. */

import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { CommandName } from '../data/api.ts';
import { type Problem, post } from '../data/http.ts';
import { liveFlags, rowOf } from '../data/store.ts';
import { en } from '../words/en.ts';
import { percent } from '../words/format.ts';
import { Dialog } from './dialog.tsx';
import { ErrorNote } from './parts.tsx';
import { Reason } from './reason.tsx';

interface Asked {
  readonly name: CommandName;
  readonly keys: readonly string[];
}

const asked = signal<Asked | undefined>(undefined);
/** What was done last, for a line that screen readers read. */
export const lastDone = signal('');

/** Opens the dialog. Several keys are held one after the other. */
export function askFor(name: CommandName, ...keys: string[]): void {
  asked.value = { name, keys };
}

async function send(name: CommandName, key: string, reason: string, generation: number | undefined): Promise<void> {
  const body = { reason, ...(name === 'acknowledge' ? { generation } : {}) };
  await post(`/flags/${encodeURIComponent(key)}/${name}`, body);
}

function textOf(name: CommandName, key: string): string {
  const share = percent(liveFlags.value.get(key)?.asked ?? rowOf.value.get(key)?.percentage ?? 0);
  if (name === 'release') return en.command.text.release(share);
  if (name === 'acknowledge') return en.command.text.acknowledge(share);
  return en.command.text[name];
}

/** Stands once in the page; shows itself when something is asked for. */
export function CommandDialog(): JSX.Element | null {
  const what = asked.value;
  return what ? <Question key={`${what.name}:${what.keys.join()}`} {...what} /> : null;
}

function Question({ name, keys }: Asked): JSX.Element {
  const [reason, setReason] = useState('');
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const key = keys[0] ?? '';
  // What is acknowledged is what was on the page when the dialog opened, not what comes meanwhile.
  const [generation] = useState(() => liveFlags.value.get(key)?.generation);
  const title = keys.length === 1 ? en.command.title[name](key) : en.flags.selected(keys.length);
  const close = () => {
    asked.value = undefined;
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    setSending(true);
    setProblem(undefined);
    try {
      for (const each of keys) await send(name, each, reason.trim(), generation);
      lastDone.value = keys.map((each) => en.command.done[name](each)).join(', ');
      close();
    } catch (error) {
      setProblem(error as Problem);
      setSending(false);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      <form onSubmit={submit}>
        <p>{textOf(name, key)}</p>
        {name === 'acknowledge' && generation !== undefined && <p class="muted">{en.command.generation(generation)}</p>}
        <Reason label={en.command.reason} hint={en.command.reasonHint} value={reason} onInput={setReason} />
        <ErrorNote problem={problem} />
        <div class="row buttons">
          <button
            type="submit"
            class={name === 'hold' || name === 'force' ? 'btn danger' : 'btn primary'}
            disabled={sending}
          >
            {sending ? en.command.sending : en.command.submit[name]}
          </button>
          <button type="button" class="btn" onClick={close}>
            {en.command.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
