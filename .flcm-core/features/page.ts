/**
 * Feature flags for pages that count bytes: the calls, types and events of `@flcm/features`, as far as a page needs
 * them, over the small engine.
 *
 * Breakers of its own, `explain`, overrides, cohorts and documents of the application, the cache, notifications and
 * OpenTelemetry are in `@flcm/features` alone. What the server rolls back takes effect here as well. The lists of flags
 * in the event `change` are empty.
 *
 * @module
 */

import type { EarlyListeners } from './create.ts';
import { countsOf } from './page/counts.ts';
import { eventsOf } from './page/events.ts';
import { featuresOf, type PageFeatures } from './page/features.ts';
import { inUseOf } from './page/in-use.ts';
import { lifeOf } from './page/life.ts';
import { remoteOf } from './page/remote.ts';
import { type PageOptions, settingsOf } from './page/settings.ts';
import type { AnyFlags, FeatureEvents, FlagShapes } from './types.ts';

export type { EarlyListeners } from './create.ts';
export { FeatureError, type FeatureErrorCode } from './errors.ts';
export type { RunOptions } from './guarded.ts';
export type { PageCounts, PageFeatures, PageUser } from './page/features.ts';
export type { PageRemote } from './page/remote.ts';
export type { PageOptions } from './page/settings.ts';

/**
 * Loads flags and keeps them current. The promise resolves as soon as flags are in use, but after `initTimeoutMs` at
 * the latest.
 *
 * @throws FeatureError `INVALID_OPTIONS`; never for the server, nor for the engine.
 */
export async function createFeatures<F extends FlagShapes<F> = AnyFlags>(
  options: PageOptions,
  listeners: EarlyListeners = {},
): Promise<PageFeatures<F>> {
  const life = lifeOf(settingsOf(options), eventsOf(), async () => {
    const { laterOf } = await import('./page/later.ts');
    return laterOf({ life, inUse, remote, counts });
  });
  for (const [event, listener] of Object.entries(listeners)) {
    life.on(event as keyof FeatureEvents, listener as (event: unknown) => void);
  }
  const inUse = inUseOf(life);
  const counts = countsOf();
  const answered = new Promise<void>((resolve) => life.on('state', () => resolve()));
  const remote = remoteOf(life, inUse);
  void remote.sync();
  if (life.snapshot) {
    await inUse.use(life.snapshot).catch((error) => error.code === 'OLDER_REVISION' || life.fail(error));
    remote.updateState();
  }
  if (!inUse.snapshot) await life.within(life.initTimeoutMs, answered);
  return featuresOf<F>({ life, inUse, remote, counts });
}
