/** For whom: exact shares of each class of users, and flags that are decided anew because of it. */

import type { JSX } from 'preact';
import type { ClassShares, Difference, FlagDifference } from '../../data/api.ts';
import { liveFlags } from '../../data/store.ts';
import { Link } from '../../ui/link.tsx';
import { ErrorNote, Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';
import { sharePercent, widest } from '../flag/blast.tsx';
import { Count } from './count.tsx';

const words = en.review;

const KINDS = ['gain', 'lose', 'switch'] as const;

function Bar({ share }: { share: ClassShares }): JSX.Element {
  return (
    <div class="whom" aria-hidden="true">
      {KINDS.map(
        (kind) =>
          share[kind].percent > 0 && <div key={kind} class={kind} style={{ width: `${share[kind].percent}%` }} />,
      )}
    </div>
  );
}

function Class({ flag, share }: { flag: string; share: ClassShares }): JSX.Element {
  const users = liveFlags.value.get(flag)?.users24h ?? 0;
  const changed = KINDS.filter((kind) => share[kind].percent > 0);
  return (
    <div class="user-class">
      <h3>{share.conditions ? words.usersWhere(share.conditions) : words.everyone}</h3>
      <Bar share={share} />
      <div class="row">
        {changed.map((kind) => (
          <span key={kind}>
            <span class={`swatch ${kind}`} aria-hidden="true" /> {words[kind]} <b>{sharePercent(share, kind)}</b>
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

/** A flag that is decided anew, by classes of its users; one line, where the engine has no shares for it. */
function Dependent({ flag, most }: { flag: FlagDifference; most: number }): JSX.Element {
  return (
    <div>
      <h4>
        <Link class="mono" href={`/flags/${encodeURIComponent(flag.flag)}`}>
          {flag.flag}
        </Link>{' '}
        <span class="muted">{en.history.through(flag.through.join(', '))}</span>
      </h4>
      {flag.shares.length === 0 && <p>{most > 0 ? words.throughText(exactPercent(most)) : words.dependent}</p>}
      {flag.shares.map((share) => (
        <Class key={share.conditions} flag={flag.flag} share={share} />
      ))}
    </div>
  );
}

function Through({ flags, most }: { flags: readonly FlagDifference[]; most: number }): JSX.Element | null {
  if (flags.length === 0) return null;
  return (
    <>
      <h3>{words.through}</h3>
      {flags.map((flag) => (
        <Dependent key={flag.flag} flag={flag} most={most} />
      ))}
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
  const most = Math.max(0, ...own.flatMap((flag) => KINDS.map((kind) => widest(flag, kind))));
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
      <Through flags={through} most={most} />
      <ErrorNote problem={problem} />
      {difference && difference.flags.length > 0 && <Count key={newer} older={older} newer={newer} />}
    </Panel>
  );
}
