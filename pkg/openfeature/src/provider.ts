import {
  type AnyFlags,
  type BreakerEvent,
  createFeatures,
  type Decision,
  type FeatureContext,
  type FeatureFlagManager,
  type FeaturesOptions,
  type FlagKey,
  type FlagShapes,
  type FleetEvent,
  type RemoteState,
} from '@flcm/features';
import {
  type EvaluationContext,
  type FlagValueType,
  type JsonValue,
  ProviderFatalError,
  ProviderNotReadyError,
  type ResolutionDetails,
  type TrackingEventDetails,
} from '@openfeature/core';
import { type KnownFlag, resolutionOf } from './resolution.ts';
import { userOf } from './user.ts';

/** The tracking event that records how a feature went, for its breaker. */
const OUTCOME = 'flcm.outcome';

/** The details of an event. */
export type EventDetails = {
  readonly message?: string;
  readonly flagsChanged?: string[];
};

/** What the providers for servers and for pages have in common. */
export abstract class FlcmProviderBase<F extends FlagShapes<F> = AnyFlags> {
  /** What hooks and logs call the provider. */
  readonly metadata: { readonly name: string } = { name: 'flcm-flags' };
  readonly #given: FeatureFlagManager<F> | FeaturesOptions;
  #opening: Promise<FeatureFlagManager<F>> | undefined;
  #features: FeatureFlagManager<F> | undefined;
  #stop: readonly (() => void)[] = [];
  #revision = 0;
  /** Those of flags that were asked for: the engine is asked once. */
  readonly #flags = new Map<string, KnownFlag>();
  /** What the fleet holds back, by flag key. */
  #fleet: FleetEvent['trips'] = {};
  #staleTimer: ReturnType<typeof setTimeout> | undefined;

  /** @param given Options of `createFeatures`; or flags that the application has created, and closes itself. */
  constructor(given: FeatureFlagManager<F> | FeaturesOptions) {
    this.#given = given;
    this.#features = 'decision' in given ? given : undefined;
  }

  /** The flags: for outcomes, explanations, rollback, metrics. With options they are there once the provider was initialized. */
  get features(): FeatureFlagManager<F> | undefined {
    return this.#features;
  }

  /** Whether the provider was initialized, and not closed since. */
  protected get isOpen(): boolean {
    return this.#opening !== undefined;
  }

  /** Whether anything is in use. */
  protected get hasFlags(): boolean {
    const state = this.#features?.remote.state;
    return state === 'fresh' || state === 'stale';
  }

  /** Called by the SDK. Fails while there are no flags; the provider is ready as soon as there are. */
  async initialize(context: EvaluationContext = {}): Promise<void> {
    this.#opening ??= this.#open();
    const opening = this.#opening;
    const features = await opening;
    if (this.#opening !== opening) throw new ProviderNotReadyError('the provider was closed');
    this.#follow(features);
    this.begin(features, context);
    if (!this.hasFlags) throw new ProviderNotReadyError('no flags are in use: the source has not answered');
    this.emitIfStale();
  }

  /** Called by the SDK when the provider is replaced, or everything is closed. */
  async onClose(): Promise<void> {
    const opening = this.#opening;
    this.#opening = undefined;
    this.#unfollow();
    if ('decision' in this.#given) return;
    this.#features = undefined;
    const features = await opening?.catch(() => undefined);
    await features?.close();
  }

  /**
   * Counts under the name of the event; its `value` goes into a histogram. `flcm.outcome` records how a feature went.
   */
  track(name: string, context: EvaluationContext, details: TrackingEventDetails = {}): void {
    const features = this.#features;
    if (features === undefined) return;
    if (name === OUTCOME) {
      this.#record(features, context, details);
      return;
    }
    features.metrics.add(name);
    // A name is that of a counter or of a histogram.
    if (typeof details.value === 'number') features.metrics.observe(`${name}.value`, details.value);
  }

  /** Decides a flag, in OpenFeature's form. */
  protected resolve<T extends JsonValue>(
    type: FlagValueType,
    flag: string,
    fallback: T,
    context: EvaluationContext,
  ): ResolutionDetails<T> {
    const features = this.#features;
    if (features === undefined) throw new ProviderNotReadyError('the provider is not initialized, or was closed');
    const decision = this.decide(features, flag, context);
    return resolutionOf(decision, fallback, type, this.#known(features, flag), this.#revision);
  }

  /** Who asks, when it is for more than a decision. */
  protected user(features: FeatureFlagManager<F>, context: EvaluationContext): FeatureContext<F> {
    return features.for(userOf(context));
  }

  /** Decides a flag. */
  protected abstract decide(features: FeatureFlagManager<F>, flag: string, context: EvaluationContext): Decision;

  /** Somebody asks from now on. */
  protected begin(_features: FeatureFlagManager<F>, _context: EvaluationContext): void {}

  /** The flags that are served otherwise than before, given those that were reported. */
  protected changed(flags: readonly string[]): readonly string[] {
    return flags;
  }

  /** Emits an event of the SDK. */
  protected abstract emit(event: 'Ready' | 'Stale' | 'ConfigurationChanged', details?: EventDetails): void;

  /** Emits `Stale` again: the SDK calls a provider ready when it has begun, or was given another context. */
  protected emitIfStale(): void {
    if (this.#features?.remote.state !== 'stale') return;
    clearTimeout(this.#staleTimer);
    // Behind all that the SDK does of its own accord; several promises of its make that several turns.
    this.#staleTimer = setTimeout(() => {
      if (this.#features?.remote.state === 'stale') this.emit('Stale', { message: STALE });
    });
  }

  /** Whatever keeps flags from being created, such as options that are wrong, is there the next time as well. */
  async #open(): Promise<FeatureFlagManager<F>> {
    if ('decision' in this.#given) return this.#given;
    try {
      return await createFeatures<F>(this.#given);
    } catch (cause) {
      throw new ProviderFatalError((cause as Error).message, { cause });
    }
  }

  #follow(features: FeatureFlagManager<F>): void {
    this.#unfollow();
    this.#features = features;
    this.use(features);
    this.#stop = [
      features.on('state', ({ to }) => this.#emitState(features, to)),
      features.on('sync', ({ changed }) => changed && this.use(features)),
      // The first flags are no change: that they are there is what makes the provider ready.
      features.on(
        'change',
        ({ from, flags, removed }) => from !== undefined && this.#emitChange([...flags, ...removed]),
      ),
      features.on('breaker', (event) => isFelt(event) && this.#emitChange([event.flag])),
      features.on('fleet', ({ trips }) => this.#setFleet(trips)),
    ];
  }

  /** Other flags are in use. */
  protected use({ snapshot }: FeatureFlagManager<F>): void {
    this.#revision = Number(snapshot?.revision ?? 0);
    this.#flags.clear();
  }

  #known(features: FeatureFlagManager<F>, key: string): KnownFlag {
    const flag = key as FlagKey<F>;
    const known = this.#flags.get(key) ?? {
      key,
      salt: features.salt(flag),
      isStatic: features.isStatic(flag),
      resolved: new Map(),
    };
    // Of flags that are there alone: those who ask may make any number of names up.
    if (known.salt !== undefined) this.#flags.set(key, known);
    return known;
  }

  #record(features: FeatureFlagManager<F>, context: EvaluationContext, details: TrackingEventDetails): void {
    const { flag, failed, durationMs } = details;
    if (typeof flag !== 'string') return;
    const call = { failed: failed === true, durationMs: typeof durationMs === 'number' ? durationMs : undefined };
    this.user(features, context).record(flag as FlagKey<F>, call);
  }

  #unfollow(): void {
    clearTimeout(this.#staleTimer);
    for (const stop of this.#stop) stop();
    this.#stop = [];
    this.#fleet = {};
  }

  #emitState(features: FeatureFlagManager<F>, to: RemoteState): void {
    // Comes before the `sync` that has brought the flags: a listener may evaluate flags at once.
    if (to === 'fresh') {
      this.use(features);
      // What is served from now on is no change to anybody.
      this.changed([]);
      this.emit('Ready');
    } else if (to === 'stale') {
      this.emit('Stale', { message: STALE });
    }
  }

  #setFleet(trips: FleetEvent['trips']): void {
    const before = this.#fleet;
    this.#fleet = trips;
    const keys = Object.keys({ ...before, ...trips }).filter((key) => before[key] !== trips[key]);
    if (keys.length > 0) this.#emitChange(keys);
  }

  #emitChange(flags: readonly string[]): void {
    this.emit('ConfigurationChanged', { flagsChanged: [...this.changed(flags)] });
  }
}

const STALE = 'the source has not confirmed the flags in use for too long';

/** Whether what happened to a breaker changes what users are served; much of it is only reported. */
function isFelt({ event, from, to, percentBefore, percentAfter }: BreakerEvent): boolean {
  return from !== to || percentBefore !== percentAfter || event === 'mode_changed';
}
