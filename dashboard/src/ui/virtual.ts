/** Which rows of a long list are in the window. */

import {
  observeWindowOffset,
  observeWindowRect,
  type VirtualItem,
  Virtualizer,
  windowScroll,
} from '@tanstack/virtual-core';
import { useLayoutEffect, useReducer, useRef } from 'preact/hooks';

export interface Rows {
  readonly items: readonly VirtualItem[];
  readonly height: number;
  readonly show: (index: number) => void;
}

/** Rows that the window scrolls, all of one height. */
export function useRows(count: number, rowHeight: number, top: number): Rows {
  const [, render] = useReducer((turn: number, _: undefined) => turn + 1, 0);
  const virtualizer = useRef<Virtualizer<Window, Element>>(undefined);
  const options = {
    count,
    estimateSize: () => rowHeight,
    overscan: 4,
    scrollMargin: top,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    initialOffset: () => window.scrollY,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    onChange: () => render(undefined),
  };
  virtualizer.current ??= new Virtualizer<Window, Element>(options);
  const own = virtualizer.current;
  own.setOptions(options);
  useLayoutEffect(() => own._didMount(), []);
  useLayoutEffect(() => own._willUpdate());
  useLayoutEffect(() => own.measure(), [rowHeight, top]);
  return {
    items: own.getVirtualItems(),
    height: own.getTotalSize(),
    show: (index) => own.scrollToIndex(index, { align: 'auto' }),
  };
}
