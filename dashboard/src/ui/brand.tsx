import type { JSX } from 'preact';
import { en } from '../words/en.ts';

export function Brand(): JSX.Element {
  return (
    <>
      <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
        <path d="M3 1v16M3 2h11l-3 4 3 4H3" fill="none" stroke="var(--accent)" stroke-width="2" />
      </svg>
      {en.product}
    </>
  );
}
