/** Single-key shortcuts. They can be switched off, because speech control and screen readers type such keys too. */

import { signal } from '@preact/signals';
import { useLayoutEffect } from 'preact/hooks';

const SHORTCUTS = 'flcm.shortcuts';
export const shortcuts = signal(localStorage.getItem(SHORTCUTS) !== 'off');

export function setShortcuts(on: boolean): void {
  shortcuts.value = on;
  localStorage.setItem(SHORTCUTS, on ? 'on' : 'off');
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog, [contenteditable]') !== null;
}

/** Calls what a key stands for while the component is there: from the moment it is in the page, before it is painted. */
export function useKeys(keys: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  useLayoutEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (!shortcuts.value || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      const action = keys[event.key];
      if (!action) return;
      event.preventDefault();
      action(event);
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
}
