/** Who is connected, with what, and whether it is in step. */

import type { JSX } from 'preact';
import type { Host } from '../data/api.ts';
import { get } from '../data/http.ts';
import { hosts as counted, now } from '../data/store.ts';
import { useQuery } from '../ui/address.ts';
import { useFetched } from '../ui/fetched.ts';
import { Copy, Headings, Pill, TablePanel, Waiting } from '../ui/parts.tsx';
import { en } from '../words/en.ts';
import { count, span } from '../words/format.ts';

const words = en.hosts;
const EVERY_MS = 5000;
/** A host that says nothing for so long may be gone; it asks at least once a minute. */
const SILENT_MS = 90_000;
/** More rows than anybody reads; the filter finds the others. */
const SHOWN = 500;

function stateOf(host: Host): { word: string; tone: 'ok' | 'warn' | 'off'; shape: string } {
  if (now.value - host.lastSeen > SILENT_MS) return { word: words.silent, tone: 'off', shape: '○' };
  if (!host.inStep) return { word: words.behind, tone: 'warn', shape: '▲' };
  if (host.says === 'stricter') return { word: words.stricter, tone: 'warn', shape: '◣' };
  return { word: words.inStep, tone: 'ok', shape: '●' };
}

const nameOf = (host: Host): string =>
  host.host ?? (host.kind === 'page' ? words.pages(host.count ?? 1) : host.instance);

const textOf = (host: Host): string =>
  [nameOf(host), host.app, host.version, host.sdk, words.kind[host.kind], stateOf(host).word, host.revision].join('\t');

/** Those that need a look come first. */
const byNeed = (a: Host, b: Host): number =>
  Number(a.inStep) - Number(b.inStep) ||
  (a.app ?? '').localeCompare(b.app ?? '') ||
  nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true });

function Row({ host }: { host: Host }): JSX.Element {
  const { word, tone, shape } = stateOf(host);
  return (
    <tr>
      <th scope="row" class="mono">
        {nameOf(host)}
      </th>
      <td>
        {host.app ?? <span class="muted">{words.unknown}</span>} {host.version}
      </td>
      <td>
        {host.sdk} <span class="muted">{words.kind[host.kind]}</span>
      </td>
      <td>
        <Pill tone={tone} shape={shape}>
          {word}
        </Pill>
      </td>
      <td class="n" data-name={words.revision}>
        {host.revision === null ? '–' : count(host.revision)}
      </td>
      <td class="n muted">{words.ago(span(now.value - host.lastSeen))}</td>
    </tr>
  );
}

function HostTable({ list }: { list: readonly Host[] }): JSX.Element {
  return (
    <TablePanel
      label={words.title}
      headings={
        <Headings names={[words.host, words.app, words.sdk, words.state]} numbers={[words.revision, words.lastSeen]} />
      }
      after={list.length > SHOWN && <p class="muted">{en.flags.more(list.length - SHOWN)}</p>}
    >
      {list.slice(0, SHOWN).map((host) => (
        <Row key={`${host.instance} ${host.host} ${host.app} ${host.version}`} host={host} />
      ))}
    </TablePanel>
  );
}

export function HostsPage(): JSX.Element {
  const query = useQuery();
  const { value, problem, again } = useFetched('hosts', () => get<Host[]>('/hosts'), EVERY_MS);
  const part = query.get('q').toLowerCase();
  const list = (value ?? []).filter((host) => textOf(host).toLowerCase().includes(part)).sort(byNeed);
  return (
    <>
      <div class="row head">
        <h1>{words.title}</h1>
        {counted.value && <span class="muted">{words.summary(counted.value.total, counted.value.inStep)}</span>}
        <span class="end row">
          <input
            class="field"
            aria-label={words.filter}
            placeholder={words.filter}
            value={query.get('q')}
            onInput={(event) => query.set({ q: event.currentTarget.value })}
          />
          <Copy text={() => list.map(textOf).join('\n')} done={words.copied}>
            {words.copy}
          </Copy>
        </span>
      </div>
      {!value && <Waiting text={en.history.loading} problem={problem} retry={again} />}
      {value && value.length === 0 && <p class="panel">{words.none}</p>}
      {list.length > 0 && <HostTable list={list} />}
      {value && value.length > 0 && list.length === 0 && <p class="muted">{en.audit.none}</p>}
    </>
  );
}
