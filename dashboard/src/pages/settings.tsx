/** What the server is, who has keys, and how the page looks. */

import type { JSX } from 'preact';
import type { Key } from '../data/api.ts';
import { get } from '../data/http.ts';
import { may, meta, session } from '../data/store.ts';
import { useFetched } from '../ui/fetched.ts';
import { Keys } from '../ui/key-list.tsx';
import { setShortcuts, shortcuts } from '../ui/keys.ts';
import { setTheme, type Theme, theme } from '../ui/media.ts';
import { Ago, Panel, Waiting } from '../ui/parts.tsx';
import { en } from '../words/en.ts';
import { count, exactly, span } from '../words/format.ts';

const words = en.settings;

function Line({ name, children }: { name: string; children: string | undefined }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td>{children}</td>
    </tr>
  );
}

function Server(): JSX.Element {
  const about = meta.value;
  if (!about) return <Waiting text={en.top.connecting} />;
  const kept = about.retention;
  return (
    <table>
      <tbody>
        <Line name={words.version}>{about.version}</Line>
        <Line name={words.document}>{about.document.name ?? '–'}</Line>
        <Line name={words.mode}>{en.nav.mode[about.document.mode]}</Line>
        {kept && (
          <Line name={words.retention}>
            {words.retentionText(span(kept.fine * 1000), span(kept.day * 1000), span(kept.year * 1000))}
          </Line>
        )}
      </tbody>
    </table>
  );
}

function KeyTable(): JSX.Element {
  const { value, problem, again } = useFetched('keys', () => get<Key[]>('/keys'));
  if (!value) return <Waiting text={en.history.loading} problem={problem} retry={again} />;
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{words.name}</th>
          <th scope="col">{words.role}</th>
          <th scope="col" class="n">
            {words.lastUsed}
          </th>
          <th scope="col" class="n">
            {words.requests}
          </th>
        </tr>
      </thead>
      <tbody>
        {value.map(({ name, role, lastUsed, requests }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{role}</td>
            <td class="n">{lastUsed === null ? words.never : <Ago at={lastUsed} />}</td>
            <td class="n">{count(requests)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Appearance(): JSX.Element {
  return (
    <fieldset class="plain">
      <legend>{words.theme}</legend>
      <div class="row">
        {(['system', 'light', 'dark'] as const satisfies Theme[]).map((name) => (
          <label key={name}>
            <input type="radio" name="theme" checked={theme.value === name} onChange={() => setTheme(name)} />{' '}
            {words.themes[name]}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function SettingsPage(): JSX.Element {
  const who = session.value;
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
      </div>
      <div class="halves">
        <Panel title={words.server}>
          <Server />
        </Panel>
        <Panel title={words.session}>
          {who?.keyless ? (
            <p>{words.keyless}</p>
          ) : (
            who && (
              <p>{`${en.top.who(who.name, who.role)}, ${words.expires(who.expires === null ? '–' : exactly(who.expires))}`}</p>
            )
          )}
        </Panel>
        <Panel title={words.keys}>
          <p class="muted">{words.keysText}</p>
          {may('admin') ? <KeyTable /> : <p class="muted">{words.keysForbidden}</p>}
        </Panel>
        <Panel title={words.appearance}>
          <Appearance />
        </Panel>
        <Panel title={words.shortcuts}>
          <label>
            <input
              type="checkbox"
              checked={shortcuts.value}
              onChange={(event) => setShortcuts(event.currentTarget.checked)}
            />{' '}
            {words.shortcutsOn}
          </label>
          <Keys />
        </Panel>
      </div>
    </>
  );
}
