/** Something that one page fetches for itself. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Fetched<T> {
  readonly value: T | undefined;
  readonly problem: Error | undefined;
  readonly again: () => void;
}

/**
 * Fetches when `key` changes and then every `everyMs`, if given. What was there stays until the new one is; an answer
 * that comes too late is dropped, and the signal ends what was asked.
 */
export function useFetched<T>(key: string, fetch: (signal: AbortSignal) => Promise<T>, everyMs = 0): Fetched<T> {
  const [state, setState] = useState<{ key: string; value?: T; problem?: Error }>({ key });
  const last = useRef(new AbortController());
  const load = useCallback(() => {
    last.current.abort();
    const mine = new AbortController();
    last.current = mine;
    fetch(mine.signal).then(
      (value) => mine.signal.aborted || setState({ key, value }),
      (problem: Error) =>
        mine.signal.aborted || setState((before) => (before.key === key ? { ...before, problem } : { key, problem })),
    );
  }, [key]);
  useEffect(() => {
    load();
    const timer = everyMs === 0 ? undefined : setInterval(() => document.hidden || load(), everyMs);
    return () => {
      clearInterval(timer);
      last.current.abort();
    };
  }, [load, everyMs]);
  const isMine = state.key === key;
  return { value: isMine ? state.value : undefined, problem: isMine ? state.problem : undefined, again: load };
}
