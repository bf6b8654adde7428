/** Puts the chart into the page and draws it anew when the data, the width or the colours change. */

import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Series } from '../../data/api.ts';
import { colours } from '../../ui/media.ts';
import { Waiting } from '../../ui/parts.tsx';
import { en } from '../../words/en.ts';
import type { draw as Draw } from './chart.ts';

let loaded: typeof Draw | undefined;

export function HarmChart({
  series,
  label,
  seconds,
}: {
  series: Series;
  label: string;
  /** How long the axis is; as long as the data, if left out. */
  seconds?: number;
}): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const [draw, setDraw] = useState(() => loaded);
  const [width, setWidth] = useState(0);
  const [problem, setProblem] = useState<Error>();
  const colour = colours.value;
  useEffect(() => {
    if (loaded) return;
    import('./chart.ts').then((module) => {
      loaded = module.draw;
      setDraw(() => module.draw);
    }, setProblem);
  }, []);
  useLayoutEffect(() => {
    if (!element.current) return undefined;
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (!draw || !element.current || width === 0) return undefined;
    const chart = draw(element.current, series, seconds);
    return () => chart.destroy();
  }, [draw, series, seconds, width, colour]);
  return (
    <>
      {!draw && <Waiting text={en.flag.harm.loading} problem={problem} />}
      <div ref={element} class="chart" role="img" aria-label={label} />
    </>
  );
}
