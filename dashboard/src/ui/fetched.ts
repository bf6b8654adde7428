/** Something that one page fetches for itself. */

import { useCallback, useEffect, useRef, useState } from 'preact/hooks';

export interface Fetched<T> {
  readonly value: T | undefined;
  readonly problem: Error | undefined;
  readonly again: () => void;
}

/**
 * Fetches when `key` changes and then every `everyMs`, if given. What was there stays until the new one is; an answer that
 * comes too late is dropped.
 */
export function useFetched<T>(key: string, fetch: () => Promise<T>, everyMs = 0): Fetched<T> {
  const [state, setState] = useState<{ key: string; value?: T; problem?: Error }>({ key });
  const turn = useRef(0);
  const load = useCallback(() => {
    turn.current += 1;
    const mine = turn.current;
    fetch().then(
      (value) => mine === turn.current && setState({ key, value }),
      (problem: Error) => mine === turn.current && setState((before) => (before.key === key ? { ...before, problem } : { key, problem })),
    );
  }, [key]);
  useEffect(() => {
    load();
    if (everyMs === 0) return undefined;
    const timer = setInterval(() => document.hidden || load(), everyMs);
    return () => clearInterval(timer);
  }, [load, everyMs]);
  const isMine = state.key === key;
  return { value: isMine ? state.value : undefined, problem: isMine ? state.problem : undefined, again: load };
}
