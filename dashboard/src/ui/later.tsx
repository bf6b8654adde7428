/** A part of the page that is loaded when it is shown first. */

import type { ComponentType, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Waiting } from './parts.tsx';

export function later<P extends object>(load: () => Promise<ComponentType<P>>): ComponentType<P> {
  let loaded: ComponentType<P> | undefined;
  return function Later(props: P): JSX.Element {
    const [Part, setPart] = useState<ComponentType<P> | undefined>(() => loaded);
    const [problem, setProblem] = useState<Error>();
    useEffect(() => {
      if (Part) return;
      load().then((found) => {
        loaded = found;
        setPart(() => found);
      }, setProblem);
    }, [Part]);
    return Part ? <Part {...props} /> : <Waiting text="" problem={problem} retry={() => window.location.reload()} />;
  };
}
