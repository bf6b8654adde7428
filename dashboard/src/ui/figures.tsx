/** Small drawings in a row: what is served against what is asked, errors, evidence. */

import type { JSX } from 'preact';
import { RISING } from '../data/rows.ts';
import { en } from '../words/en.ts';
import { percent, percentNumber } from '../words/format.ts';

/** A list has hundreds of bars. Each is one element with a background: a drawing would be four. */
function Bar(props: { label: string; share: number; tone: string; mark?: number }): JSX.Element {
  const { label, share, tone, mark } = props;
  const style = { '--share': `${share * 100}%`, '--tone': `var(--${tone})`, '--mark': `${mark ?? 0}%` };
  return <span class={mark === undefined ? 'meter' : 'meter marked'} role="img" aria-label={label} style={style} />;
}

export function ServedBar({ served, asked, bad }: { served: number | null; asked: number; bad: boolean }): JSX.Element {
  const label = en.flags.servedLabel(served === null ? '–' : percent(served), percent(asked));
  return (
    <div class="bar">
      <Bar label={label} share={(served ?? 0) / 100} tone={bad ? 'bad' : 'accent'} mark={asked} />
      <span aria-hidden="true">
        {served === null ? '–' : percentNumber(served)} <span class="muted">{en.flags.of(percent(asked))}</span>
      </span>
    </div>
  );
}

const SPARK = { width: 58, height: 18 };

/** The errors of the last hour. Its height is that of the flag itself: the shape matters, numbers stand beside it. */
export function Sparkline({
  points,
  label,
}: {
  points: readonly (number | null)[];
  label: string;
}): JSX.Element | null {
  const known = points.filter((point) => point !== null);
  if (known.length < 2) return null;
  // Errors that hardly differ are a flat line, not a mountain range.
  const top = Math.max(...known) * 1.15 || 1;
  const place = (point: number, at: number) =>
    `${((at / (points.length - 1)) * SPARK.width).toFixed(1)},${(SPARK.height - 2 - (point / top) * (SPARK.height - 4)).toFixed(1)}`;
  const line = points.flatMap((point, at) => (point === null ? [] : [place(point, at)])).join(' ');
  return (
    <svg width={SPARK.width} height={SPARK.height} role="img" aria-label={label}>
      <polyline fill="none" stroke="var(--new)" stroke-width="1.3" points={line} />
    </svg>
  );
}

const evidenceTone = (share: number): string => (share >= 1 ? 'bad' : share > RISING ? 'warn' : 'ok');

export function EvidenceBar({ share }: { share: number }): JSX.Element {
  const text = percent(Math.round(Math.min(1, share) * 100));
  return (
    <div class="bar">
      <Bar label={en.flags.evidenceLabel(text)} share={Math.min(1, share)} tone={evidenceTone(share)} />
      <span aria-hidden="true">{text}</span>
    </div>
  );
}
