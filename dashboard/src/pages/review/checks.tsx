/** Checks: errors, warnings, and what goes on with the flags right now. */

import type { JSX } from 'preact';
import { evidenceRises, waitsForPerson } from '../../data/rows.ts';
import { liveFlags, rows } from '../../data/store.ts';
import { catchUp, movedTo, rebaseFailure } from '../../draft/rebase.ts';
import { draftFlags } from '../../draft/store.ts';
import { engine } from '../../engine/client.ts';
import type { Checked, Diagnostic } from '../../engine.ts';
import { useFetched } from '../../ui/fetched.ts';
import { ErrorNote, Panel, Pill, Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.review;

/** What the newest text has, and the text in use has not, is what this draft brings. */
export function useChecked(text: string): { value: Checked | undefined; problem: Error | undefined } {
  return useFetched(text, () => engine().check(text));
}

function Problems({ list }: { list: readonly Diagnostic[] }): JSX.Element {
  return (
    <>
      {list.slice(0, 5).map(({ code, path, message, help }) => (
        <p key={`${code} ${path}`}>
          <span class="mono">{path}</span>: {message} {help && <span class="muted">{help}</span>}
        </p>
      ))}
    </>
  );
}

function Errors({ checked }: { checked: Checked }): JSX.Element {
  const errors = checked.diagnostics.filter(({ severity }) => severity === 'error');
  const warnings = checked.diagnostics.filter(({ severity }) => severity === 'warning');
  return (
    <>
      <div>
        {errors.length === 0 ? (
          <Pill tone="ok" shape="●">
            {words.noErrors}
          </Pill>
        ) : (
          <Pill tone="bad" shape="▼">
            {words.errors(errors.length)}
          </Pill>
        )}{' '}
        <span class="muted">{words.compiled(rows.value.length, checked.milliseconds)}</span>
        <Problems list={errors} />
      </div>
      {warnings.length > 0 && (
        <details>
          <summary>
            <Pill tone="warn" shape="▲">
              {words.warnings(warnings.length)}
            </Pill>
          </summary>
          <Problems list={warnings} />
        </details>
      )}
    </>
  );
}

function Now({ flag }: { flag: string }): JSX.Element | null {
  const live = liveFlags.value.get(flag);
  const text = waitsForPerson(live) ? words.held(flag) : evidenceRises(live) ? words.evidence(flag) : undefined;
  if (text === undefined) return null;
  return (
    <div>
      <Pill tone="warn" shape="▲">
        {flag}
      </Pill>{' '}
      {text}
    </div>
  );
}

function Others(): JSX.Element {
  if (movedTo.value !== undefined) {
    return (
      <div>
        <Pill tone="warn" shape="▲">
          {words.moved(movedTo.value)}
        </Pill>{' '}
        <span class="muted">{words.movedText}</span>
      </div>
    );
  }
  return (
    <div>
      <Pill tone="ok" shape="●">
        {words.nobodyElse}
      </Pill>{' '}
      <span class="muted">{words.nobodyElseText}</span>
    </div>
  );
}

export function Checks({ newer }: { newer: string }): JSX.Element {
  const { value, problem } = useChecked(newer);
  return (
    <Panel title={words.checks}>
      <div class="stack checks">
        {value ? <Errors checked={value} /> : <p class="muted">{words.comparing}</p>}
        {draftFlags.value.map((flag) => (
          <Now key={flag} flag={flag} />
        ))}
        <Others />
        <ErrorNote problem={problem} />
        {rebaseFailure.value && <Waiting text="" problem={rebaseFailure.value} retry={catchUp} />}
      </div>
    </Panel>
  );
}
