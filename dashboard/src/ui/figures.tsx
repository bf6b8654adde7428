/** Small drawings in a row: what is served against what is asked, errors, evidence. */

import type { JSX } from 'preact';
import { en } from '../words/en.ts';
import { percent, percentNumber } from '../words/format.ts';

const BAR = 74;

export function ServedBar({ served, asked, bad }: { served: number | null; asked: number; bad: boolean }): JSX.Element {
  const label = en.flags.servedLabel(served === null ? '–' : percent(served), percent(asked));
  const mark = Math.min(BAR - 1.5, (asked / 100) * BAR);
  return (
    <div class="bar">
      <svg width={BAR} height="14" role="img" aria-label={label}>
        <rect y="4" width={BAR} height="6" rx="3" fill="var(--off-bg)" />
        <rect y="4" width={((served ?? 0) / 100) * BAR} height="6" rx="3" fill={bad ? 'var(--bad)' : 'var(--accent)'} />
        <rect x={mark} y="1" width="1.5" height="12" fill="var(--ink)" />
      </svg>
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

const EVIDENCE = 46;

export function EvidenceBar({ share }: { share: number }): JSX.Element {
  const colour = share >= 1 ? 'var(--bad)' : share > 0.1 ? 'var(--warn)' : 'var(--ok)';
  const text = percent(Math.round(Math.min(1, share) * 100));
  return (
    <div class="bar">
      <svg width={EVIDENCE} height="12" role="img" aria-label={en.flags.evidenceLabel(text)}>
        <rect y="3" width={EVIDENCE} height="6" rx="3" fill="var(--off-bg)" />
        <rect y="3" width={Math.min(1, share) * EVIDENCE} height="6" rx="3" fill={colour} />
      </svg>
      <span aria-hidden="true">{text}</span>
    </div>
  );
}
