import type { Transition } from '@flcm/flags-web';

const WORDS: Readonly<Record<string, string>> = {
  tripped: 'was rolled back',
  would_trip: 'would have been rolled back',
  half_opened: 'is probed',
  reopened: 'failed its probe',
  recovered: 'recovered',
};

/** A line for people. */
export function describe(flag: string, transition: Transition): string {
  const { event, cause, percentBefore, percentAfter, total, errors, controlTotal, controlErrors } = transition;
  const did = WORDS[event] ?? event.replaceAll('_', ' ');
  const because = cause === undefined ? '' : ` (${cause})`;
  const share =
    percentBefore === percentAfter ? '' : `: ${round(percentBefore)} % to ${round(percentAfter)} % of users`;
  const control = controlTotal > 0 ? ` against ${controlErrors} of ${controlTotal} without it` : '';
  const counts = total > 0 ? `; ${errors} of ${total} failed${control}` : '';
  return `\`${flag}\` ${did}${because}${share}${counts}; ${waits(transition)}`;
}

function waits({ next, nextAt }: Transition): string {
  if (next === 'probe' && nextAt !== undefined) return `probed at ${new Date(nextAt).toISOString()}`;
  if (next === 'acknowledge') return 'waits for a person to acknowledge it';
  if (next === 'release') return 'waits for a person to release it';
  return 'nothing is to be done';
}

function round(percent: number): number {
  return Math.round(percent * 1000) / 1000;
}
