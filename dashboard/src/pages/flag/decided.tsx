/** Decisions by reason: how many users get what, and why. */

import type { JSX } from 'preact';
import type { LiveFlag, Series } from '../../data/api.ts';
import { Panel } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { count, percent, span, times } from '../../words/format.ts';
import { eligible, reasons } from './figures.ts';

const words = en.flag.decided;
const NOW = 300;

export function Decided({ series, live }: { series: Series; live: LiveFlag | undefined }): JSX.Element {
  const seconds = Math.max(NOW, series.step);
  const title = words.title(span(seconds * 1000));
  const { perSecond, shares } = reasons(series, seconds);
  const share = eligible(series, seconds);
  const order = Object.keys(words.reasons);
  const inOrder = [...shares].sort(([a], [b]) => order.indexOf(a) - order.indexOf(b));
  const shown = inOrder.filter(([reason, value]) => value > 0 || reason === 'SPLIT' || reason === 'DEFAULT');
  const speed = perSecond < 10 ? times(perSecond) : count(perSecond);
  if (shares.length === 0) {
    return (
      <Panel title={title}>
        <p class="muted">{words.none}</p>
      </Panel>
    );
  }
  return (
    <Panel title={title} aside={`· ${words.rate(speed)}`}>
      <table>
        <tbody>
          {shown.map(([reason, value]) => (
            <tr key={reason}>
              <th scope="row">{words.reasons[reason] ?? reason}</th>
              <td class="n">{percent(value)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {share !== null && live?.served != null && live.asked != null && (
        <p class="muted">{words.eligible(percent(share * 100), percent(live.served), percent(live.asked))}</p>
      )}
    </Panel>
  );
}
