/** The search at the top: a combobox after the ARIA pattern, over flags, tags, owners and users. */

import type { JSX } from 'preact';
import { useId, useRef, useState } from 'preact/hooks';
import { useLocation } from 'wouter-preact';
import { askedUser } from '../data/asked.ts';
import { rows } from '../data/store.ts';
import { en } from '../words/en.ts';
import { useKeys } from './keys.ts';

interface Found {
  readonly label: string;
  readonly detail: string;
  readonly href: string;
  readonly user?: string;
}

const AT_MOST = 8;

function flagsLike(text: string): Found[] {
  const part = text.toLowerCase();
  const found: Found[] = [];
  const take = (test: (key: string, description: string) => boolean) => {
    for (const { key, description } of rows.value) {
      if (found.length >= AT_MOST) return;
      if (!found.some(({ label }) => label === key) && test(key.toLowerCase(), description.toLowerCase())) {
        found.push({ label: key, detail: description, href: `/flags/${encodeURIComponent(key)}` });
      }
    }
  };
  take((key) => key.startsWith(part));
  take((key) => key.includes(part));
  take((_, description) => description.includes(part));
  return found;
}

function find(text: string): Found[] {
  const part = text.trim();
  if (part === '') return [];
  const user: Found = { label: part, detail: en.top.whyUser(part), href: '/why', user: part };
  return [...flagsLike(part), user];
}

export function Search(): JSX.Element {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(0);
  const [, navigate] = useLocation();
  const found = open ? find(text) : [];
  useKeys({ '/': () => input.current?.focus() });
  const go = (to: Found | undefined) => {
    if (!to) return;
    setOpen(false);
    setText('');
    if (to.user !== undefined) askedUser.value = to.user;
    navigate(to.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const keys: Record<string, () => void> = {
      ArrowDown: () => setActive((active + 1) % Math.max(1, found.length)),
      ArrowUp: () => setActive((active + found.length - 1) % Math.max(1, found.length)),
      Enter: () => go(found[active]),
      Escape: () => (open ? setOpen(false) : setText('')),
    };
    const action = keys[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  };
  return (
    <search class="search">
      <input
        ref={input}
        class="field"
        role="combobox"
        aria-label={en.top.search}
        aria-expanded={found.length > 0}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        {...(found.length > 0 ? { 'aria-activedescendant': `${id}-${active}` } : {})}
        placeholder={en.top.search}
        value={text}
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
          setOpen(true);
        }}
        onBlur={() => setOpen(false)}
        onKeyDown={onKeyDown}
      />
      <kbd>/</kbd>
      <ul id={`${id}-list`} role="listbox" aria-label={en.top.results} hidden={found.length === 0}>
        {found.map((one, at) => (
          <li
            key={one.href}
            id={`${id}-${at}`}
            role="option"
            aria-selected={at === active}
            onMouseDown={(event) => {
              event.preventDefault();
              go(one);
            }}
          >
            <span class="mono">{one.label}</span> <span class="muted">{one.detail}</span>
          </li>
        ))}
      </ul>
    </search>
  );
}
