/**
 * A link to a page of the dashboard. It is an element and nothing more, because a list has hundreds of them: one
 * listener for the whole document turns clicks into changes of the address.
 */

import type { JSX } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { useLocation } from 'wouter-preact';

export const BASE = '/ui';

type Props = JSX.IntrinsicElements['a'] & { readonly href: string };

export function Link({ href, ...others }: Props): JSX.Element {
  return <a href={BASE + href} {...others} />;
}

/** A link that the browser should follow by itself: into another tab, or to another place. */
function isPlain(event: MouseEvent, link: Element): boolean {
  const hasModifier = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey;
  return (
    event.button === 0 &&
    !hasModifier &&
    !event.defaultPrevented &&
    !link.hasAttribute('target') &&
    !link.hasAttribute('download')
  );
}

export function useLinks(): void {
  const [, navigate] = useLocation();
  useLayoutEffect(() => {
    const follow = (event: MouseEvent) => {
      const link = event.target instanceof Element ? event.target.closest('a') : null;
      const href = link?.getAttribute('href');
      if (!link || !href?.startsWith(`${BASE}/`) || !isPlain(event, link)) return;
      event.preventDefault();
      navigate(href.slice(BASE.length));
    };
    document.addEventListener('click', follow);
    return () => document.removeEventListener('click', follow);
  }, [navigate]);
}
