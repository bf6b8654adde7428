/** OpenFeature's provider for pages: decides in the page, by `@flcm/features`. */

import type { AnyFlags, Decision, FeatureContext, FeatureFlagManager, FlagKey, FlagShapes } from '@flcm/features';
import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  ProviderNotReadyError,
  type ResolutionDetails,
} from '@openfeature/web-sdk';
import { type EventDetails, FlcmProviderBase } from '../../openfeature/src/provider.ts';
import { isSame } from '../../openfeature/src/user.ts';

/** A context, and who that is. */
interface Known<F extends FlagShapes<F>> {
  readonly features: FeatureFlagManager<F>;
  readonly context: EvaluationContext;
  readonly user: FeatureContext<F>;
}

/** Serves FLCM Flags to OpenFeature's SDK for pages, and by it to those for React and Angular. */
export class FlcmProvider<F extends FlagShapes<F> = AnyFlags> extends FlcmProviderBase<F> implements Provider {
  /** Where it is meant to run. */
  readonly runsOn = 'client';
  /** What happens to the flags. */
  readonly events: OpenFeatureEventEmitter = new OpenFeatureEventEmitter();
  /** Who asked last: a page decides for one user, many times. */
  #known: Known<F> | undefined;
  /** What that user was served at the last event, by flag key. */
  #served: Readonly<Record<string, string>> = {};

  /** Called by the SDK, which goes on at once when there are flags, waits while they are created, and fails when there are none. */
  onContextChange(_: EvaluationContext, context: EvaluationContext): Promise<void> | void {
    const { features } = this;
    if (!this.isOpen) return Promise.reject(new ProviderNotReadyError('the provider was closed'));
    if (features === undefined || !this.hasFlags) return this.initialize(context);
    this.begin(features, context);
    this.emitIfStale();
  }

  /** Called by the SDK. */
  resolveBooleanEvaluation(flag: string, fallback: boolean, context: EvaluationContext): ResolutionDetails<boolean> {
    return this.resolve('boolean', flag, fallback, context);
  }

  /** Called by the SDK. */
  resolveStringEvaluation(flag: string, fallback: string, context: EvaluationContext): ResolutionDetails<string> {
    return this.resolve('string', flag, fallback, context);
  }

  /** Called by the SDK. */
  resolveNumberEvaluation(flag: string, fallback: number, context: EvaluationContext): ResolutionDetails<number> {
    return this.resolve('number', flag, fallback, context);
  }

  /** Called by the SDK. */
  resolveObjectEvaluation<T extends JsonValue>(
    flag: string,
    fallback: T,
    context: EvaluationContext,
  ): ResolutionDetails<T> {
    return this.resolve('object', flag, fallback, context);
  }

  protected override begin(features: FeatureFlagManager<F>, context: EvaluationContext): void {
    // Known anew even if it holds the same: a list in it may have got another item.
    this.#known = undefined;
    this.#served = served(this.user(features, { ...context }));
  }

  /** A context is converted once, and bound by the engine, until another one comes. */
  protected override user(features: FeatureFlagManager<F>, context: EvaluationContext): FeatureContext<F> {
    const known = this.#known;
    if (known?.features === features && isSame(known.context, context)) return known.user;
    const user = super.user(features, context);
    this.#known = { features, context, user };
    return user;
  }

  protected override decide(features: FeatureFlagManager<F>, flag: string, context: EvaluationContext): Decision {
    return this.user(features, context).decision(flag as FlagKey<F>);
  }

  /** With the flags that depend on those: components are drawn anew by name. */
  protected override changed(flags: readonly string[]): readonly string[] {
    const before = this.#served;
    const now = this.#known ? served(this.#known.user) : {};
    this.#served = now;
    const felt = Object.keys({ ...before, ...now }).filter((key) => before[key] !== now[key]);
    return [...new Set([...flags, ...felt])];
  }

  protected override emit(event: 'Ready' | 'Stale' | 'ConfigurationChanged', details?: EventDetails): void {
    this.events.emit(ProviderEvents[event], details);
  }
}

function served<F extends FlagShapes<F>>(user: FeatureContext<F>): Record<string, string> {
  const all = Object.entries<Decision>(user.decideAll());
  return Object.fromEntries(
    all.map(([key, { value, variant, reason }]) => [key, JSON.stringify([value, variant, reason])]),
  );
}
