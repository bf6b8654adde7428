import { Notifier } from './circuit-breaker/notify.ts';
import { CircuitBreaker } from './circuit-breaker.ts';
import { type Clock, sleep, systemClock } from './clock.ts';
import { CohortManager } from './cohort-manager.ts';
import { Compilers, loadEngine } from './engine.ts';
import { FeatureError } from './errors.ts';
import { Events } from './events.ts';
import { FeatureFlagManager } from './flag-manager.ts';
import { InUse } from './in-use.ts';
import { MetricsCollector } from './metrics-collector.ts';
import { instanceOf, remoteOf, settingsOf, sinksOf, sourceOf } from './options.ts';
import { RemoteConfig } from './remote-config.ts';
import { phaseOf } from './schedule.ts';
import type { AnyFlags, FeatureEvents, FeaturesOptions, FlagShapes } from './types.ts';

/** Listeners that must not miss what happens while the flags are created. */
export type EarlyListeners = { readonly [K in keyof FeatureEvents]?: (event: FeatureEvents[K]) => void };

/**
 * Loads flags and keeps them current. The promise resolves as soon as flags are in use: at once when there are some at
 * hand, else when the source has answered, but after `initTimeoutMs` at the latest.
 *
 * @throws FeatureError `INVALID_OPTIONS`, and what is wrong with a `document` or `snapshot` that was given; never for the source.
 */
export async function createFeatures<F extends FlagShapes<F> = AnyFlags>(
  options: FeaturesOptions,
  listeners: EarlyListeners = {},
): Promise<FeatureFlagManager<F>> {
  const settings = settingsOf(options);
  const { clock = systemClock } = options;
  const events = new Events();
  for (const [event, listener] of Object.entries(listeners)) {
    events.on(event as keyof FeatureEvents, listener as (event: unknown) => void);
  }
  const engine = await loadEngine(options.engine, (options.sinks?.length ?? 0) > 0);
  const compilers = new Compilers(options.compiler);
  const { store } = settings;
  const instance = await instanceOf(options, store, clock);

  const inUse = new InUse(engine, clock, events);
  const cohorts = new CohortManager(inUse, clock, events);
  const notifiers = (options.notify ?? []).map((of) => new Notifier(of, settings.fetch, clock, events));
  const breaker = new CircuitBreaker({ inUse, clock, events }, store, notifiers, (ms) => metrics.flushWithin(ms));
  const sinks = sinksOf(options, settings, clock);
  const { flushIntervalMs } = settings;
  const metrics = new MetricsCollector({ engine, inUse, clock, events }, { sinks, flushIntervalMs, instance, store });
  // In this order: the fleet's generations are set on metrics that have begun.
  inUse.follows(metrics);
  inUse.follows(breaker);
  const sourceBy = (of: FeaturesOptions) => sourceOf(of, settings, compilers, clock);
  const host = { inUse, clock, events, sourceBy, FeatureError };
  // An audience without a pin is a pin that was forgotten.
  const isSigned = options.trust || options.audience || options.strict;
  const trust = isSigned ? await (await import('./remote-config/trust.ts')).Trust.open(options, host) : undefined;
  const source = trust ? trust.source : sourceBy(options);
  const remoteOptions = await remoteOf(options, settings, source, compilers, phaseOf(instance), trust);
  const remote = new RemoteConfig({ inUse, breaker, clock, events }, remoteOptions);

  const features = new FeatureFlagManager<F>({
    engine,
    inUse,
    clock,
    events,
    compilers,
    cohorts,
    breaker,
    metrics,
    remote,
  });
  try {
    await breaker.open((targetingKey) => features.for({ targetingKey }));
    await metrics.open();
    if (!(await remote.open())) await within(clock, settings.initTimeoutMs, remote.settled);
    return features;
  } catch (error) {
    await features.close();
    throw error;
  }
}

/** Waits for a promise, but not for longer. */
async function within(clock: Clock, ms: number, promise: Promise<void>): Promise<void> {
  const waiting = new AbortController();
  await Promise.race([promise, sleep(clock, ms, waiting.signal)]);
  waiting.abort();
}
