/** The percentage: a native slider over a drawing of what is now and what would be, chips, and an exact number. */

import type { JSX } from 'preact';
import { en } from '../../words/en.ts';
import { exactPercent } from '../../words/format.ts';

const words = en.flag.who;
const TICKS = [0, 5, 10, 25, 50, 75, 100];
const CHOICES = [0, 1, 5, 10, 25, 50, 100];
const LARGE = 10;

interface Props {
  readonly now: number;
  readonly value: number;
  readonly isDrafted: boolean;
  readonly onChange: (value: number) => void;
}

const round = (value: number): number => Math.round(Math.min(100, Math.max(0, value)) * 1000) / 1000;

/** Labels of marks that are close stand apart. */
function labelPlaces(now: number, value: number): [number, number] {
  const apart = 13;
  const near = apart - Math.abs(now - value);
  if (near <= 0) return [now, value];
  const direction = value >= now ? 1 : -1;
  const inside = (place: number) => Math.min(96, Math.max(4, place));
  const low = inside(now - (direction * near) / 2);
  return [low, inside(low + direction * apart)];
}

function Drawing({ now, value, isDrafted }: Omit<Props, 'onChange'>): JSX.Element {
  const [from, to] = now < value ? [now, value] : [value, now];
  const [nowAt, valueAt] = isDrafted ? labelPlaces(now, value) : [Math.min(96, Math.max(4, now)), value];
  return (
    <div aria-hidden="true">
      <div class="track" />
      <div class="served" style={{ width: `${now}%` }} />
      {isDrafted && (
        <div class={value < now ? 'drafted less' : 'drafted'} style={{ left: `${from}%`, width: `${to - from}%` }} />
      )}
      <div class="mark" style={{ left: `${now}%` }} />
      <span class="label" style={{ left: `${nowAt}%` }}>
        {words.now(exactPercent(now))}
      </span>
      {isDrafted && (
        <span class="label draft" style={{ left: `${valueAt}%` }}>
          {words.draft(exactPercent(value))}
        </span>
      )}
      {TICKS.map((tick) => (
        <span key={tick} class="tick" style={{ left: `${tick}%` }}>
          {tick}
        </span>
      ))}
    </div>
  );
}

const ARROWS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };

export function Slider(props: Props): JSX.Element {
  const { now, value, onChange } = props;
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = ARROWS[event.key];
    if (direction === undefined) return;
    event.preventDefault();
    onChange(
      round(event.shiftKey ? value + direction * LARGE : direction > 0 ? Math.floor(value) + 1 : Math.ceil(value) - 1),
    );
  };
  return (
    <>
      <div class="slider">
        <Drawing {...props} />
        <input
          type="range"
          min="0"
          max="100"
          step="any"
          value={value}
          aria-label={words.slider}
          aria-valuetext={words.sliderText(exactPercent(value), exactPercent(now))}
          onKeyDown={onKeyDown}
          onInput={(event) => onChange(Math.round(event.currentTarget.valueAsNumber))}
        />
      </div>
      <div class="row tight">
        <span class="muted">{words.set}</span>
        {CHOICES.map((choice) => (
          <button
            key={choice}
            type="button"
            class="chip"
            aria-pressed={props.isDrafted && choice === value}
            onClick={() => onChange(choice)}
          >
            {choice}
          </button>
        ))}
        <input
          class="field number"
          type="number"
          min="0"
          max="100"
          step="0.001"
          aria-label={words.exact}
          value={value}
          onChange={(event) =>
            event.currentTarget.reportValidity() && onChange(round(event.currentTarget.valueAsNumber))
          }
        />
      </div>
    </>
  );
}
