/** For whom: exact shares of each class of users, and flags that are decided anew because of it. */

import type { JSX } from 'preact';
import { liveFlags } from '../../data/store.ts';
import type { Difference, FlagDifference } from '../../engine.ts';
import { Link } from '../../ui/link.tsx';
import { ErrorNote, Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { bounded } from '../../words/format.ts';
import { isBound, widest } from '../flag/blast.tsx';
import { Count } from './count.tsx';

const words = en.review;

const KINDS = ['gain', 'lose', 'switch'] as const;

type Share = FlagDifference['shares'][number];

function Bar({ share }: { share: Share }): JSX.Element {
  return (
    <div class="whom" aria-hidden="true">
      {KINDS.map(
        (kind) =>
          share[kind].percent > 0 && <div key={kind} class={kind} style={{ width: `${share[kind].percent}%` }} />,
      )}
    </div>
  );
}

function Class({ flag, share }: { flag: string; share: Share }): JSX.Element {
  const users = liveFlags.value.get(flag)?.users24h ?? 0;
  const changed = KINDS.filter((kind) => share[kind].percent > 0);
  return (
    <div class="user-class">
      <h3>{share.conditions ? words.usersWhere(share.conditions) : words.everyone}</h3>
      <Bar share={share} />
      <div class="row">
        {changed.map((kind) => (
          <span key={kind}>
            <span class={`swatch ${kind}`} aria-hidden="true" /> {words[kind]}{' '}
            <b>{bounded(share[kind].percent, share.atMost)}</b>
            {users > 0 && (
              <span class="muted"> {words.atMostUsers(Math.round((share[kind].percent / 100) * users))}</span>
            )}
          </span>
        ))}
        <span class="muted">{changed.length === 0 ? words.nobody : words.still}</span>
      </div>
    </div>
  );
}

/** The widest share of a flag that changes because of another one. */
function throughText(flag: FlagDifference): string {
  const most = Math.max(...KINDS.map((kind) => widest(flag, kind)));
  if (most === 0) return words.dependent;
  return words.throughText(bounded(most, isBound(flag)));
}

function Through({ flags }: { flags: readonly FlagDifference[] }): JSX.Element | null {
  if (flags.length === 0) return null;
  return (
    <>
      <h3>{words.through}</h3>
      <table>
        <tbody>
          {flags.map((difference) => (
            <tr key={difference.flag}>
              <th scope="row">
                <Link class="mono" href={`/flags/${encodeURIComponent(difference.flag)}`}>
                  {difference.flag}
                </Link>
              </th>
              <td>{throughText(difference)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}

export function Whom({
  difference,
  problem,
  older,
  newer,
}: {
  difference: Difference | undefined;
  problem: Error | undefined;
  older: string;
  newer: string;
}): JSX.Element {
  const own = difference?.flags.filter(({ status }) => status !== 'affected') ?? [];
  const through = difference?.flags.filter(({ status }) => status === 'affected') ?? [];
  return (
    <Panel title={words.whom} aside={words.exactShares}>
      {!difference && !problem && <p class="muted">{words.comparing}</p>}
      {difference?.flags.length === 0 && <p class="muted">{words.nobody}</p>}
      {own.map((flag) => (
        <div key={flag.flag}>
          {own.length > 1 && <h3 class="mono">{flag.flag}</h3>}
          {flag.shares.map((share) => (
            <Class key={share.conditions} flag={flag.flag} share={share} />
          ))}
        </div>
      ))}
      <Through flags={through} />
      <ErrorNote problem={problem} />
      {difference && difference.flags.length > 0 && <Count key={newer} older={older} newer={newer} />}
    </Panel>
  );
}
