/** Feature flags for Node and browsers: one import, the same decisions everywhere. */

export type { NotifyOptions } from './circuit-breaker/notify.ts';
export type { ContextOrUserId, OutcomeOptions, OutcomeReporter } from './circuit-breaker.ts';
export { CircuitBreaker } from './circuit-breaker.ts';
export type { Clock } from './clock.ts';
export type { CohortSource, Membership, OverrideOptions } from './cohort-manager.ts';
export { CohortManager } from './cohort-manager.ts';
export { FeatureContext } from './context.ts';
export type { EarlyListeners } from './create.ts';
export { createFeatures } from './create.ts';
export type { FeatureErrorCode } from './errors.ts';
export { FeatureError } from './errors.ts';
export { FeatureFlagManager } from './flag-manager.ts';
export type { RunOptions } from './guarded.ts';
export type { Store } from './host/store.ts';
export type { OpenTelemetry } from './metrics-collector/open-telemetry.ts';
export { openTelemetrySink } from './metrics-collector/open-telemetry.ts';
export type { Batch, Sink } from './metrics-collector/sinks.ts';
export { functionSink } from './metrics-collector/sinks.ts';
export { MetricsCollector } from './metrics-collector.ts';
export { RemoteConfig } from './remote-config.ts';
export * from './types.ts';
