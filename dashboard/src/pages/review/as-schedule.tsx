/** A percentage that would change at once, as a schedule instead. */

import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ground } from '../../draft/document.ts';
import { draftedPercentage, draftFlags } from '../../draft/store.ts';
import { engine } from '../../engine/client.ts';
import { useFetched } from '../../ui/fetched.ts';
import { later } from '../../ui/later.tsx';
import { ErrorNote } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';

const words = en.review;

const ScheduleForm = later(() => import('../flag/forms/schedule.tsx').then((module) => module.ScheduleForm));

function Opened({ flag, to, onClose }: { flag: string; to: number; onClose: () => void }): JSX.Element {
  const text = ground.value ?? '';
  const { value, problem } = useFetched(`${flag} ${text}`, () => engine().outline(text, flag));
  if (!value) return <ErrorNote problem={problem} />;
  return <ScheduleForm flag={flag} outline={value} drafted={value} to={to} onClose={onClose} />;
}

function One({ flag, to }: { flag: string; to: number }): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="btn" onClick={() => setOpen(true)}>
        {words.asSchedule(flag, exactPercent(to))}
      </button>
      {isOpen && <Opened flag={flag} to={to} onClose={() => setOpen(false)} />}
    </>
  );
}

export function AsSchedule(): JSX.Element | null {
  const flags = draftFlags.value.flatMap((flag) => {
    const to = draftedPercentage(flag);
    return to === undefined ? [] : [{ flag, to }];
  });
  if (flags.length === 0) return null;
  return (
    <p class="row tight">
      {flags.map((one) => (
        <One key={one.flag} {...one} />
      ))}
    </p>
  );
}
