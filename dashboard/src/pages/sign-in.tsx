/** Sign-in: the key goes to the server once, and the browser keeps a cookie that this page cannot read. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Problem } from '../data/http.ts';
import { session, signIn } from '../data/store.ts';
import { Brand } from '../ui/brand.tsx';
import { ErrorNote } from '../ui/parts.tsx';
import { en } from '../words/en.ts';

export function SignIn(): JSX.Element {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const field = (event.currentTarget as HTMLFormElement).elements.namedItem('key') as HTMLInputElement;
    setBusy(true);
    setProblem(undefined);
    try {
      await signIn(field.value.trim());
    } catch (error) {
      setProblem(error as Problem);
      field.select();
    } finally {
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit}>
        <div class="brand">
          <Brand />
        </div>
        <h1>{en.signIn.title}</h1>
        {session.value && <p class="notice">{en.signIn.expired}</p>}
        <label class="block" for="key">
          {en.signIn.key}
        </label>
        <input
          id="key"
          name="key"
          class="field mono"
          type="password"
          required
          autoFocus
          autocomplete="current-password"
        />
        <p class="muted">{en.signIn.hint}</p>
        <ErrorNote problem={problem} />
        <div class="row buttons">
          <button type="submit" class="btn primary" disabled={busy}>
            {busy ? en.signIn.busy : en.signIn.submit}
          </button>
        </div>
      </form>
    </main>
  );
}
