/** Whether the window is narrow, as a signal; the same width as in the style sheets. */

import { signal } from '@preact/signals';

const query = window.matchMedia('(max-width: 900px)');
export const narrow = signal(query.matches);
query.addEventListener('change', ({ matches }) => {
  narrow.value = matches;
});

const dark = window.matchMedia('(prefers-color-scheme: dark)');
/** Changes with the colours: what is painted on a canvas is painted anew then. */
export const colours = signal(0);
const repaint = () => {
  colours.value += 1;
};
dark.addEventListener('change', repaint);

export type Theme = 'system' | 'light' | 'dark';

const THEME = 'flcm.theme';
export const theme = signal<Theme>((localStorage.getItem(THEME) as Theme | null) ?? 'system');

function apply(): void {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
}

export function setTheme(value: Theme): void {
  theme.value = value;
  localStorage.setItem(THEME, value);
  apply();
  repaint();
}

apply();
