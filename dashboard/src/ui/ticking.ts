/** A text that depends on the time: only the text changes, and only when it says something else. */

import { computed, type ReadonlySignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';

export function useTicking(text: () => string, inputs: readonly unknown[]): ReadonlySignal<string> {
  return useMemo(() => computed(text), inputs);
}
