/** What changes between two documents, and for whom: what `flcm diff` says, as a table. */

import type { JSX } from 'preact';
import type { Difference, FlagDifference, Share } from '../engine.ts';
import { en } from '../words/en.ts';
import { bounded } from '../words/format.ts';
import { Link } from './link.tsx';
import { Pill } from './parts.tsx';

const words = en.history;

function part(share: Share, atMost: boolean, text: (share: string) => string): string[] {
  return share.percent > 0 ? [text(bounded(share.percent, atMost))] : [];
}

function Shares({ flag }: { flag: FlagDifference }): JSX.Element {
  if (flag.through.length > 0 && flag.shares.length === 0)
    return <span class="muted">{words.through(flag.through.join(', '))}</span>;
  return (
    <>
      {flag.shares.map(({ conditions, atMost, gain, lose, switch: swap }) => {
        const parts = [
          ...part(gain, atMost, words.gain),
          ...part(lose, atMost, words.lose),
          ...part(swap, atMost, words.switch),
        ];
        return (
          <div key={conditions}>
            <b>{parts.length === 0 ? en.review.still : parts.join(', ')}</b>{' '}
            {conditions && <span class="muted">{en.review.usersWhere(conditions)}</span>}
          </div>
        );
      })}
    </>
  );
}

const LOOKS = { changed: ['run', '▶'], added: ['ok', '●'], removed: ['bad', '▼'], affected: ['off', '○'] } as const;

function Row({ flag }: { flag: FlagDifference }): JSX.Element {
  const [tone, shape] = LOOKS[flag.status as keyof typeof LOOKS] ?? LOOKS.changed;
  return (
    <tr>
      <th scope="row">
        <Link class="mono" href={`/flags/${encodeURIComponent(flag.flag)}`}>
          {flag.flag}
        </Link>
      </th>
      <td>
        <Pill tone={tone} shape={shape}>
          {words.status[flag.status] ?? flag.status}
        </Pill>
      </td>
      <td>
        {flag.changes.map(({ what, from, to, note }) => (
          <div key={what}>
            {what}: {from ?? words.nothing} → <b>{to ?? words.nothing}</b> {note && <span class="muted">{note}</span>}
          </div>
        ))}
      </td>
      <td>
        <Shares flag={flag} />
      </td>
    </tr>
  );
}

export function DifferenceTable({ difference }: { difference: Difference }): JSX.Element {
  if (difference.flags.length === 0) return <p class="muted">{words.same}</p>;
  return (
    <table class="roomy">
      <thead>
        <tr>
          <th scope="col">{en.review.flag}</th>
          <th scope="col">
            <span class="hidden-text">{en.hosts.state}</span>
          </th>
          <th scope="col">{en.review.what}</th>
          <th scope="col">{en.review.whom}</th>
        </tr>
      </thead>
      <tbody>
        {difference.flags.map((flag) => (
          <Row key={flag.flag} flag={flag} />
        ))}
      </tbody>
    </table>
  );
}
