/** A flag that has done its work: who still asks for it, what depends on it, and a draft that removes it. */

import type { JSX } from 'preact';
import { useLocation } from 'wouter-preact';
import { type FlagRow, isDone, type State } from '../../data/rows.ts';
import { may, now, rows } from '../../data/store.ts';
import { base } from '../../draft/document.ts';
import { change } from '../../draft/store.ts';
import { Link } from '../../ui/link.tsx';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';

const words = en.flag.life;

export function Life({ row, state }: { row: FlagRow; state: State }): JSX.Element | null {
  const [, navigate] = useLocation();
  if (state !== 'stale' && state !== 'unasked' && !isDone(row, now.value)) return null;
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
