/** The chart of harm: failures of both arms above, evidence against its limit below. Loaded with the first chart. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { Series } from '../../data/api.ts';
import { en } from '../../words/en.ts';
import { clock, clockSeconds, count, percent, percentNumber } from '../../words/format.ts';
import { drawn, failedShares } from './figures.ts';

interface Label {
  readonly text: string;
  readonly value: number | null | undefined;
  readonly colour: string;
  readonly strong?: boolean;
}

const UPPER = 160;
const LOWER = 172;
const LABELS = 146;
const NARROW_LABELS = 8;
const NARROW = 520;
const FONT = '11px system-ui, sans-serif';
const STRONG = `600 ${FONT}`;
/** Evidence below this share of a rollback says nothing, so its line may stay at the bottom. */
const FLOOR = 1 / 400_000;

const colourOf = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** `light-dark()` is resolved only where it is used as a colour. */
function resolve(name: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour || colourOf(name);
}

function palette() {
  const names = { fresh: '--new', old: '--old', bad: '--bad', hold: '--hold', ink: '--ink3', grid: '--line2' };
  return Object.fromEntries(Object.entries(names).map(([key, name]) => [key, resolve(name)])) as Record<
    keyof typeof names,
    string
  >;
}

type Colours = ReturnType<typeof palette>;

/** Labels at the right end of lines, pushed apart where they would cover each other. */
function drawLabels(plot: uPlot, labels: readonly Label[]): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const shown = labels
    .flatMap((label) => (label.value == null ? [] : [{ ...label, y: plot.valToPos(label.value, 'y', true) }]))
    .sort((a, b) => a.y - b.y);
  let last = Number.NEGATIVE_INFINITY;
  ctx.save();
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  for (const { text, colour, strong, y } of shown) {
    const at = Math.max(y, last + 13 * ratio);
    last = at;
    ctx.font = scaled(strong ? STRONG : FONT);
    ctx.fillStyle = colour;
    ctx.fillText(text, bbox.left + bbox.width + 6 * ratio, at);
  }
  ctx.restore();
}

const scaled = (font: string): string => font.replace(/(\d+)px/, (_, size) => `${Number(size) * uPlot.pxRatio}px`);

function drawTitle(plot: uPlot, title: string, colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = scaled(STRONG);
  ctx.fillStyle = colour;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'bottom';
  ctx.fillText(title, bbox.left, bbox.top - 3 * uPlot.pxRatio);
  ctx.restore();
}

/** Publishings and other things that happened, as lines from top to bottom. */
function drawMarks(plot: uPlot, series: Series, colour: string, withText: boolean): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.font = scaled(FONT);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  let textEnds = 0;
  for (const { at, text } of series.marks) {
    const x = plot.valToPos(at / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (!withText || x < textEnds) continue;
    ctx.fillText(text, x + 4 * ratio, bbox.top + 2 * ratio);
    textEnds = x + ctx.measureText(text).width + 12 * ratio;
  }
  ctx.restore();
}

function axis(colours: Colours, more: Partial<uPlot.Axis>): uPlot.Axis {
  return {
    stroke: colours.ink,
    font: FONT,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    gap: 6,
    ...more,
  };
}

const isLong = (series: Series): boolean => series.step >= 600;

function times(series: Series): (plot: uPlot, splits: number[]) => string[] {
  const days = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric' });
  const format = isLong(series) ? (at: number) => days.format(at) : series.step <= 1 ? clockSeconds : clock;
  return (_, splits) => splits.map((at) => format(at * 1000));
}

interface Part {
  readonly data: (readonly (number | null)[])[];
  readonly options: Omit<uPlot.Options, 'width'>;
}

const right = (width: number): number => (width < NARROW ? NARROW_LABELS : LABELS);

function common(width: number): Pick<uPlot.Options, 'legend' | 'cursor' | 'padding'> {
  return {
    legend: { show: false },
    cursor: { sync: { key: 'harm' }, drag: { x: false, y: false }, points: { size: 5 } },
    padding: [18, right(width), 4, 0],
  };
}

/** What is so now; nothing, where it has ended. */
const recent = (values: readonly (number | null)[]): number | null | undefined =>
  values.slice(-3).findLast((value) => value !== null);

function upper(series: Series, colours: Colours, width: number, range: uPlot.Range.MinMax): Part {
  const old = failedShares(series.control, series.at, series.step);
  const fresh = failedShares(series.treatment, series.at, series.step);
  const top = Math.max(1, ...old.map((value) => value ?? 0), ...fresh.map((value) => value ?? 0)) * 1.15;
  const lastOld = recent(old);
  const lastFresh = recent(fresh);
  const labels: Label[] = [
    {
      text: `${en.flag.harm.newWay} ${lastFresh == null ? '' : percent(lastFresh)}`,
      value: lastFresh,
      colour: colours.fresh,
      strong: true,
    },
    { text: `${en.flag.harm.oldWay} ${lastOld == null ? '' : percent(lastOld)}`, value: lastOld, colour: colours.ink },
  ];
  const title = series.step < 60 ? en.flag.harm.perMinute : en.flag.harm.failed;
  const draw = (plot: uPlot) => {
    drawTitle(plot, title, colours.ink);
    drawMarks(plot, series, colours.ink, true);
    if (width >= NARROW) drawLabels(plot, labels);
  };
  return {
    data: [old, fresh],
    options: {
      ...common(width),
      height: UPPER,
      scales: { x: { time: true, range }, y: { range: [0, top] } },
      axes: [
        { show: false },
        axis(colours, { size: 50, values: (_, splits) => splits.map((value) => `${percentNumber(value)}\u202f%`) }),
      ],
      series: [
        {},
        { stroke: colours.old, width: 1.5, dash: [4, 3], points: { show: false } },
        { stroke: colours.fresh, width: 2, points: { show: false } },
      ],
      hooks: { draw: [draw] },
    },
  };
}

const timeAxis = (series: Series, colours: Colours): uPlot.Axis =>
  axis(colours, { size: 24, space: 90, values: times(series), grid: { show: false } });

/** Without a threshold there is no evidence, and so no second part that would have the times. */
function alone(series: Series, colours: Colours, { data, options }: Part): Part {
  const axes = [timeAxis(series, colours), ...(options.axes ?? []).slice(1)];
  return { data, options: { ...options, axes, height: UPPER + 24 } };
}

function lower(series: Series, colours: Colours, width: number, range: uPlot.Range.MinMax): Part {
  const { against, above } = drawn(series);
  const limit = series.limit.at(-1) ?? 1;
  const floor = limit * FLOOR;
  const atLeast = (values: readonly number[]) => values.map((value) => Math.max(floor, value));
  const [worse, over] = [atLeast(series.evidence[against]), atLeast(series.evidence[above])];
  const share = (series.evidence[against].at(-1) ?? 0) / limit;
  const labels: Label[] = [
    { text: en.flag.harm.limit(limit), value: limit, colour: colours.bad, strong: true },
    {
      text: `${en.flag.harm.worseThanOld}: ${percent(Math.round(share * 100))}`,
      value: worse.at(-1),
      colour: colours.hold,
      strong: true,
    },
    { text: en.flag.harm.aboveRate, value: over.at(-1), colour: colours.ink },
  ];
  const draw = (plot: uPlot) => {
    drawTitle(plot, en.flag.harm.evidence, colours.ink);
    drawMarks(plot, series, colours.ink, false);
    if (width >= NARROW) drawLabels(plot, labels);
  };
  return {
    data: [over, worse, series.limit],
    options: {
      ...common(width),
      height: LOWER,
      scales: { x: { time: true, range }, y: { distr: 3, log: 10, range: [floor, limit * 4] } },
      axes: [
        timeAxis(series, colours),
        axis(colours, {
          size: 50,
          splits: () => [1, 100, 10_000, 1_000_000].filter((value) => value < limit * 4),
          space: 12,
          values: (_, splits) => splits.map((value) => (value === null ? '' : count(value))),
        }),
      ],
      series: [
        {},
        { stroke: colours.old, width: 1.2, dash: [4, 3], points: { show: false } },
        { stroke: colours.hold, width: 2, points: { show: false } },
        { stroke: colours.bad, width: 1.5, dash: [6, 4], points: { show: false } },
      ],
      hooks: { draw: [draw] },
    },
  };
}

export interface Chart {
  destroy(): void;
}

/** Where nothing was counted there is no point: a line over that would say what nobody knows. */
function withGaps(at: readonly number[], data: Part['data'], step: number): uPlot.AlignedData {
  const times: number[] = [];
  const columns: (number | null)[][] = data.map(() => []);
  at.forEach((time, index) => {
    if (index > 0 && time - (at[index - 1] ?? time) > 1500 * step) {
      times.push((time - step * 1000) / 1000);
      for (const column of columns) column.push(null);
    }
    times.push(time / 1000);
    for (const [place, values] of data.entries()) columns[place]?.push(values[index] ?? null);
  });
  return [times, ...columns] as uPlot.AlignedData;
}

/** Draws into an element; `destroy` takes it away again. The axis goes over all that was asked for. */
export function draw(element: HTMLElement, series: Series, seconds: number | undefined): Chart {
  const colours = palette();
  const width = element.clientWidth;
  const last = (series.at.at(-1) ?? Date.now()) / 1000;
  const range: uPlot.Range.MinMax = [seconds === undefined ? (series.at[0] ?? 0) / 1000 : last - seconds, last];
  const failures = upper(series, colours, width, range);
  const parts = series.limit.some((limit) => limit > 1)
    ? [failures, lower(series, colours, width, range)]
    : [alone(series, colours, failures)];
  const plots = parts.map(({ data, options }) => {
    return new uPlot({ ...options, width }, withGaps(series.at, data, series.step), element);
  });
  return {
    destroy() {
      for (const plot of plots) plot.destroy();
    },
  };
}
