/** Which rows of a long list are in the window. All are of one height, so that none has to be measured. */

import type { RefObject } from 'preact';
import { useCallback, useLayoutEffect, useState } from 'preact/hooks';

export interface Rows {
  /** The first row that is drawn, and the one behind the last. */
  readonly first: number;
  readonly end: number;
  /** Scrolls as little as possible until a row is in the window. */
  readonly show: (index: number) => void;
}

/** Rows above and below the window, so that a list that scrolls shows no gap. */
const SPARE = 4;

/**
 * Where an element begins in the document. What is above it changes the height of its page, and the observer is called
 * when the browser has laid everything out, so that nothing has to be laid out for this alone.
 */
function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const page = element.current?.closest('main');
    if (!page) return;
    const observer = new ResizeObserver(() => {
      if (element.current) setTop(element.current.getBoundingClientRect().top + window.scrollY);
    });
    observer.observe(page);
    return () => observer.disconnect();
  }, []);
  return top;
}

const within = (value: number, most: number): number => Math.max(0, Math.min(most, value));

/** Rows of an element in a page that the window scrolls. */
export function useRows(element: RefObject<HTMLElement | null>, count: number, rowHeight: number): Rows {
  const top = useTop(element);
  const [offset, setOffset] = useState(0);
  const [height, setHeight] = useState(window.innerHeight);
  useLayoutEffect(() => {
    // Only whole steps, because between two of them the same rows are in the window.
    const scroll = () => setOffset(Math.floor(window.scrollY / rowHeight) * rowHeight);
    const resize = () => setHeight(window.innerHeight);
    window.addEventListener('scroll', scroll, { passive: true });
    window.addEventListener('resize', resize, { passive: true });
    return () => {
      window.removeEventListener('scroll', scroll);
      window.removeEventListener('resize', resize);
    };
  }, [rowHeight]);
  const show = useCallback(
    (index: number) => {
      const at = top + index * rowHeight;
      // The heading of the table covers the first row of the window.
      if (at < window.scrollY + rowHeight) window.scrollTo(0, at - rowHeight);
      else if (at + rowHeight > window.scrollY + height) window.scrollTo(0, at + rowHeight - height);
    },
    [top, height, rowHeight],
  );
  return {
    first: within(Math.floor((offset - top) / rowHeight) - SPARE, count),
    end: within(Math.ceil((offset + rowHeight - top + height) / rowHeight) + SPARE, count),
    show,
  };
}
