/** Who did what, when and why. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AuditRecord } from '../data/api.ts';
import { get } from '../data/http.ts';
import { lastEvent, overview } from '../data/store.ts';
import { type Query, useQuery } from '../ui/address.ts';
import { Dialog } from '../ui/dialog.tsx';
import { download } from '../ui/download.ts';
import { useFetched } from '../ui/fetched.ts';
import { Link } from '../ui/link.tsx';
import { Headings, TablePanel, Waiting, When } from '../ui/parts.tsx';
import { en } from '../words/en.ts';
import { count } from '../words/format.ts';

const words = en.audit;
const PAGE = 100;
const MOST = 1000;
const FILTERS = ['flag', 'actor', 'action', 'text'] as const;

function search(query: Query, limit: number): string {
  const asked = new URLSearchParams({ limit: String(limit) });
  for (const name of FILTERS) if (query.get(name)) asked.set(name, query.get(name));
  return asked.toString();
}

function Field({ name, label, query }: { name: 'flag' | 'actor' | 'text'; label: string; query: Query }): JSX.Element {
  return (
    <label>
      {label}
      <input
        class="field"
        value={query.get(name)}
        placeholder={words.any}
        autocomplete="off"
        onChange={(event) => query.set({ [name]: event.currentTarget.value.trim() })}
      />
    </label>
  );
}

function Filters({ query }: { query: Query }): JSX.Element {
  return (
    <div class="fields panel">
      <Field name="flag" label={words.filterFlag} query={query} />
      <Field name="actor" label={words.filterActor} query={query} />
      <label>
        {words.filterAction}
        <select
          class="field"
          value={query.get('action')}
          onChange={(event) => query.set({ action: event.currentTarget.value })}
        >
          <option value="">{words.any}</option>
          {Object.entries(words.actions).map(([name, label]) => (
            <option key={name} value={name}>
              {label}
            </option>
          ))}
        </select>
      </label>
      <Field name="text" label={words.filterText} query={query} />
    </div>
  );
}

function Details({ record, onClose }: { record: AuditRecord; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={words.record(record.id)} onClose={onClose} wide>
      <p>
        {record.actor} {words.actions[record.action] ?? record.action} {record.flag} · <When at={record.at} />
        {record.address && ` · ${words.from(record.address)}`}
      </p>
      {record.reason && <p>{record.reason}</p>}
      <pre class="json mono" tabIndex={0}>
        {JSON.stringify(record.detail, null, 2)}
      </pre>
      <p class="muted mono">
        {words.hash} {record.hash}
      </p>
      <div class="row buttons">
        <button type="button" class="btn" onClick={onClose} autoFocus>
          {en.errors.close}
        </button>
      </div>
    </Dialog>
  );
}

function Row({ record, onOpen }: { record: AuditRecord; onOpen: () => void }): JSX.Element {
  return (
    <tr>
      <td class="muted">
        <When at={record.at} />
      </td>
      <td>{record.actor === 'breaker' ? <span class="muted">{words.breaker}</span> : record.actor}</td>
      <td>{words.actions[record.action] ?? record.action}</td>
      <td>
        {record.flag && (
          <Link class="mono" href={`/flags/${encodeURIComponent(record.flag)}`}>
            {record.flag}
          </Link>
        )}
        {record.revision != null && (
          <Link href={`/history?to=${record.revision}`}>{en.nav.revision(record.revision)}</Link>
        )}
      </td>
      <td>{record.reason}</td>
      <td class="n">
        <button
          type="button"
          class="btn small"
          aria-label={`${words.details}: ${words.record(record.id)}`}
          onClick={onOpen}
        >
          {words.details}
        </button>
      </td>
    </tr>
  );
}

/** Gives what is shown as a file. */
const save = (records: readonly AuditRecord[]): void =>
  download('audit.jsonl', 'application/jsonl', ...records.map((record) => `${JSON.stringify(record)}\n`));

export function AuditPage(): JSX.Element {
  const query = useQuery();
  const [limit, setLimit] = useState(PAGE);
  const [open, setOpen] = useState<AuditRecord>();
  const asked = search(query, limit);
  const key = `${asked} ${overview.value?.revision} ${lastEvent.value?.id ?? ''}`;
  const { value, problem, again } = useFetched(key, () => get<AuditRecord[]>(`/audit?${asked}`));
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        {value && <span class="muted">{count(value.length)}</span>}
        <span class="end" />
        <button type="button" class="btn" disabled={!value} onClick={() => value && save(value)}>
          {words.export}
        </button>
      </div>
      <p class="sub">{words.text}</p>
      <div class="stack">
        <Filters query={query} />
        {!value && <Waiting text={en.history.loading} problem={problem} retry={again} />}
        {value?.length === 0 && <p class="muted">{words.none}</p>}
        {value && value.length > 0 && (
          <TablePanel
            label={words.title}
            headings={
              <Headings names={[words.when, words.who, words.what, words.flag, words.why]} buttons={words.details} />
            }
          >
            {value.map((record) => (
              <Row key={record.id} record={record} onOpen={() => setOpen(record)} />
            ))}
          </TablePanel>
        )}
        {value && value.length === limit && limit < MOST && (
          <button type="button" class="btn" onClick={() => setLimit(MOST)}>
            {words.older}
          </button>
        )}
      </div>
      {open && <Details record={open} onClose={() => setOpen(undefined)} />}
    </>
  );
}
