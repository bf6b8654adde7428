/** A flag that has done its work: who still asks for it, what depends on it, and a draft that removes it. */

import type { JSX } from 'preact';
import { useLocation } from 'wouter-preact';
import type { FlagRow, State } from '../../data/rows.ts';
import { may, now, rows } from '../../data/store.ts';
import { base } from '../../draft/document.ts';
import { change } from '../../draft/store.ts';
import { Link } from '../../ui/link.tsx';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { DAY } from '../../words/format.ts';

const words = en.flag.life;
const DONE_MS = 14 * DAY;

/** Whether everybody has had the new way for two weeks and nothing else is planned. */
export function isDone(row: FlagRow): boolean {
  const isFull = row.enabled && row.percentage === 100 && !row.scheduled && row.kind === 'release';
  return isFull && row.changedAt !== null && now.value - row.changedAt > DONE_MS;
}

export function Life({ row, state }: { row: FlagRow; state: State }): JSX.Element | null {
  const [, navigate] = useLocation();
  if (state !== 'stale' && state !== 'unasked' && !isDone(row)) return null;
  const dependents = rows.value.filter(({ needs }) => needs.includes(row.key));
  const remove = () => {
    if (!base.value) return;
    change(base.value, { op: 'remove', path: ['flags', row.key] });
    navigate('/review');
  };
  return (
    <Panel title={words.title}>
      <p>{state === 'stale' ? words.stale : state === 'unasked' ? words.unasked : words.done}</p>
      {dependents.length > 0 && (
        <p>
          {words.dependents}{' '}
          {dependents.map(({ key }) => (
            <Link key={key} class="chip mono" href={`/flags/${encodeURIComponent(key)}`}>
              {key}
            </Link>
          ))}
        </p>
      )}
      {may('publisher') && (
        <p>
          <button type="button" class="btn" disabled={!base.value || dependents.length > 0} onClick={remove}>
            {words.remove}
          </button>
        </p>
      )}
    </Panel>
  );
}
