/**
 * Feature flags for Node and browsers: one import, the same decisions everywhere.
 *
 * ```text
 * Source ── fetch ─▶ RemoteConfig ── use(bytes) ─▶ InUse ── follow ─▶ CircuitBreaker, MetricsCollector
 * Stream ─ digest ─▶   │    │                        │ snapshot, version
 *   │      poll, back off  SnapshotCache             ▼
 *   │                                      FeatureContext, FeatureFlagManager
 *   │                                                │ outcome         │ counts in the engine
 *   └─ trips ── applyFleetState ─▶ CircuitBreaker ◀──┘                 ▼
 *                                     └─▶ events, Notifier,      MetricsCollector ─ batch ─▶ sinks
 *                                         Persistence
 * ```
 *
 * | file | what it does |
 * |---|---|
 * | `index`, `create`, `options`, `types`, `errors` | what applications import; connects the parts; options |
 * | `clock` | the only file that reads time, sets timers or draws random numbers |
 * | `engine`, `engine/{node,browser}` | load an engine or a compiler; `package.json` picks the platform (`#engine`) |
 * | `host/{node,browser,store}` | files, local storage, page events (`#host`) |
 * | `in-use` | the snapshot in use, and the one way to replace it: load, refuse an older one, take over, swap |
 * | `flag-manager`, `context`, `guarded` | decisions for one call; for one user; calls whose outcome is measured |
 * | `cohort-manager` | cohorts and overrides that the application sets |
 * | `circuit-breaker` with `notify`, `persistence` | outcomes in, transitions out; webhooks; what survives a restart |
 * | `overrides` | holds of this host and trips of the fleet |
 * | `metrics-collector` with `sinks`, `open-telemetry` | drains counts, sends each batch until it is acknowledged |
 * | `remote-config` with `source`, `request`, `cache`, `stream` | one request and one stream at a time |
 * | `schedule` | moments of polls, and waits after failures |
 *
 * The engine decides, weighs outcomes, counts, and writes the text, the identity and the notability of each event. A
 * context is bound again when the version of `InUse` changes. An override of the application is decided by the engine
 * as well (`decideAs`): before the document's overrides, after kill switch, breaker and dependencies. A page that is
 * hidden sends its last batch as the first one of another epoch, because it may arrive before the one in flight.
 *
 * These files repeat rules of the Rust crate `flcm-flags-host`: `schedule`, `overrides`, `circuit-breaker` with
 * `persistence`, the batches in `metrics-collector`, and `remote-config` with `stream`. We measured the alternative.
 * With all of these rules called in WebAssembly, `flags.wasm` had 196,605 bytes instead of 157,295 (70,977 instead of
 * 58,056 with brotli), and the JavaScript became only 1.1 KB smaller with brotli. So the rules stay in TypeScript.
 * `tests/vectors/host` and `tests/hosts`, which also run with the Rust crate, hold them to the same behaviour.
 *
 * @module
 */

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
