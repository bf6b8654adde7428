/** Who gains and who loses, as `flcm diff` says it. */

import type { JSX } from 'preact';
import type { LiveFlag, Series } from '../../data/api.ts';
import type { FlagRow } from '../../data/rows.ts';
import { drafted } from '../../draft/document.ts';
import { engine } from '../../engine/client.ts';
import type { Difference, FlagDifference } from '../../engine.ts';
import { useFetched } from '../../ui/fetched.ts';
import { ErrorNote } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { bounded, exactPercent } from '../../words/format.ts';
import { eligible } from './figures.ts';

const words = en.flag.who;

/** What the draft changes; asked for anew whenever the draft's text is another one. */
export function useDifference(): { value: Difference | undefined; problem: Error | undefined } {
  const now = drafted.value;
  const key = now?.text === undefined ? '' : `${now.base.digest} ${now.text.length} ${hash(now.text)}`;
  return useFetched(key, async () =>
    now?.text === undefined || now.text === now.base.text ? undefined : engine().diff(now.base.text, now.text),
  );
}

/** Tells two texts apart; nothing depends on more than that. */
function hash(text: string): number {
  let value = 0;
  for (let at = 0; at < text.length; at += 1) value = (Math.imul(value, 31) + text.charCodeAt(at)) | 0;
  return value;
}

/** The widest of all classes of users. */
export function widest(difference: FlagDifference | undefined, kind: 'gain' | 'lose' | 'switch'): number {
  return Math.max(0, ...(difference?.shares.map((share) => share[kind].percent) ?? []));
}

/** Whether some share of a flag is a bound: it depends on conditions of flags that this one depends on. */
export function isBound(difference: FlagDifference | undefined): boolean {
  return difference?.shares.some((share) => share.atMost) ?? false;
}

interface Props {
  readonly row: FlagRow;
  readonly live: LiveFlag | undefined;
  readonly series: Series | undefined;
  readonly isDrafted: boolean;
}

/** How many users a share is, from those of the last day; always an estimate. */
export function usersOf(share: number, live: LiveFlag | undefined, series: Series | undefined): string {
  if (share === 0) return words.nobody;
  const part = series && eligible(series, 3600);
  return live && part ? words.users(Math.round((share / 100) * live.users24h * part)) : '';
}

function Line({
  name,
  share,
  users,
  atMost = false,
  sign = '',
}: {
  name: string;
  share: number;
  users: string;
  atMost?: boolean | undefined;
  sign?: string;
}): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="n">{share > 0 ? <b>{(atMost ? '≤\u202f' : '') + sign + exactPercent(share)}</b> : exactPercent(0)}</td>
      <td class="n muted">{users}</td>
    </tr>
  );
}

function Through({ flags }: { flags: readonly FlagDifference[] }): JSX.Element | null {
  const [first] = flags;
  if (!first) return null;
  const most = Math.max(widest(first, 'gain'), widest(first, 'lose'), widest(first, 'switch'));
  return (
    <tr>
      <th scope="row">
        {words.through} <span class="mono">{first.flag}</span>
      </th>
      <td class="n">{bounded(most, isBound(first))}</td>
      <td class="n muted">{flags.length > 1 ? en.flags.more(flags.length - 1) : ''}</td>
    </tr>
  );
}

type Kind = 'gain' | 'lose' | 'switch';

const SIGNS = { gain: '+', lose: '−', switch: '' } as const;

/** Classes of users that change by different shares have a line each; otherwise one line says it for all. */
function Lines({
  kind,
  own,
  live,
  series,
}: {
  kind: Kind;
  own: FlagDifference | undefined;
  live: LiveFlag | undefined;
  series: Series | undefined;
}): JSX.Element {
  const changed = own?.shares.filter((share) => share[kind].percent > 0) ?? [];
  const [first] = changed;
  if (changed.length < 2 || !first) {
    const share = first?.[kind].percent ?? 0;
    const users = usersOf(share, live, series);
    return <Line name={words[kind]} share={share} users={users} atMost={first?.atMost} sign={SIGNS[kind]} />;
  }
  return (
    <>
      {changed.map((share) => (
        <Line
          key={share.conditions}
          name={`${words[kind]} (${share.conditions ?? words.others})`}
          share={share[kind].percent}
          users=""
          atMost={share.atMost}
          sign={SIGNS[kind]}
        />
      ))}
    </>
  );
}

export function Blast({ row, live, series, isDrafted }: Props): JSX.Element {
  const { value, problem } = useDifference();
  const own = value?.flags.find(({ flag }) => flag === row.key);
  const through = value?.flags.filter((other) => other.through.includes(row.key)) ?? [];
  const kinds = ['gain', 'lose', 'switch'] as const;
  return (
    <div class="inset" aria-busy={isDrafted && !value && !problem}>
      <b>{words.blast}</b>{' '}
      <span class="muted">
        {words.exactAs} <span class="mono">flcm diff</span>
      </span>
      {!isDrafted && <p class="muted">{words.unchanged}</p>}
      {isDrafted && !value && !problem && <p class="muted">{words.comparing}</p>}
      {isDrafted && value && (
        <table>
          <tbody>
            {kinds.map((kind) => (
              <Lines key={kind} kind={kind} own={own} live={live} series={series} />
            ))}
            <Through flags={through} />
          </tbody>
        </table>
      )}
      <ErrorNote problem={problem} />
    </div>
  );
}
