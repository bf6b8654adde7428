/** OpenFeature's provider for servers: decides in the process, by `@flcm/features`. */

import type { AnyFlags, Attributes, Decision, FeatureFlagManager, FlagKey, FlagShapes } from '@flcm/features';
import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { type EventDetails, FlcmProviderBase } from '../../openfeature/src/provider.ts';
import { attributesOf, isReadable, KEY } from '../../openfeature/src/user.ts';

/** Serves FLCM Flags to OpenFeature's SDK for servers. */
export class FlcmProvider<F extends FlagShapes<F> = AnyFlags> extends FlcmProviderBase<F> implements Provider {
  /** Where it is meant to run. */
  readonly runsOn = 'server';
  /** What happens to the flags. */
  readonly events: OpenFeatureEventEmitter = new OpenFeatureEventEmitter();
  /** Whether no flag reads an attribute that is called like the targeting key. */
  #isKeyApart = false;

  /** Called by the SDK. */
  async resolveBooleanEvaluation(
    flag: string,
    fallback: boolean,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<boolean>> {
    return this.resolve('boolean', flag, fallback, context);
  }

  /** Called by the SDK. */
  async resolveStringEvaluation(
    flag: string,
    fallback: string,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<string>> {
    return this.resolve('string', flag, fallback, context);
  }

  /** Called by the SDK. */
  async resolveNumberEvaluation(
    flag: string,
    fallback: number,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<number>> {
    return this.resolve('number', flag, fallback, context);
  }

  /** Called by the SDK. */
  async resolveObjectEvaluation<T extends JsonValue>(
    flag: string,
    fallback: T,
    context: EvaluationContext,
  ): Promise<ResolutionDetails<T>> {
    return this.resolve('object', flag, fallback, context);
  }

  protected override use(features: FeatureFlagManager<F>): void {
    super.use(features);
    this.#isKeyApart = features.snapshot?.attributes.includes(KEY) === false;
  }

  /**
   * For one evaluation, which takes no slot from the contexts that the application holds, and copies as little as it
   * can.
   */
  protected override decide(features: FeatureFlagManager<F>, flag: string, context: EvaluationContext): Decision {
    const isGiven = this.#isKeyApart && features.cohorts.isIdle && isReadable(context);
    const attributes = isGiven ? (context as Attributes) : attributesOf(context);
    return features.decision(flag as FlagKey<F>, context.targetingKey, attributes);
  }

  protected override emit(event: 'Ready' | 'Stale' | 'ConfigurationChanged', details?: EventDetails): void {
    this.events.emit(ProviderEvents[event], details);
  }
}
