/** The full engine, for what the small one has no room for. Most pages never load this file. */

import type { PageEngine, TripState } from '@flcm/flags-web';
import { loadEngine } from '../../engine/browser.ts';

/** The trips whose bits need no number. */
const TRIPS: readonly TripState[] = ['clear', 'probing', 'off'];

/** The full engine, with the calls of the small one. */
export async function loadLarge(): Promise<PageEngine> {
  const engine = await loadEngine(false);
  return {
    load: (bytes) => {
      const snapshot = engine.load(bytes);
      const { digest, revision, flagCount } = snapshot;
      return {
        digest,
        revision,
        flagCount,
        flag: (key) => snapshot.flag(key),
        context: (key, attributes) => snapshot.context(key, attributes),
        setTrip: (key, bits) => {
          const flag = snapshot.flag(key);
          if (flag >= 0) snapshot.setTrip(flag, TRIPS[bits] ?? `capped ${bits >> 2}`);
          return flag >= 0;
        },
      };
    },
  };
}
