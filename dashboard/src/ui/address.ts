/** The part of the address behind `?`, which holds what a person has chosen. */

import { useLocation, useSearch } from 'wouter-preact';

export interface Query {
  readonly get: (name: string) => string;
  /** Changes it in place; an empty text removes the name. */
  readonly set: (changes: Readonly<Record<string, string>>) => void;
}

export function useQuery(): Query {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const query = new URLSearchParams(search);
  return {
    get: (name) => query.get(name) ?? '',
    set: (changes) => {
      const next = new URLSearchParams(window.location.search);
      for (const [name, value] of Object.entries(changes)) {
        if (value === '') next.delete(name);
        else next.set(name, value);
      }
      // Filters are read by people: a colon and a comma need no code.
      const text = next
        .toString()
        .replaceAll('%3A', ':')
        .replaceAll('%2C', ',')
        .replaceAll('%3E', '>')
        .replaceAll('%3C', '<');
      navigate(text === '' ? path : `${path}?${text}`, { replace: true });
    },
  };
}
