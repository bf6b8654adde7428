/** OpenFeature's provider for servers: decides in the process, by `@flcm/features`. */

import type { AnyFlags, FlagShapes } from '@flcm/features';
import {
  type EvaluationContext,
  type JsonValue,
  OpenFeatureEventEmitter,
  type Provider,
  ProviderEvents,
  type ResolutionDetails,
} from '@openfeature/server-sdk';
import { type EventDetails, FlcmProviderBase } from '../../openfeature/src/provider.ts';

/** Serves FLCM Flags to OpenFeature's SDK for servers. */
export class FlcmProvider<F extends FlagShapes<F> = AnyFlags> extends FlcmProviderBase<F> implements Provider {
  /** Where it is meant to run. */
  readonly runsOn = 'server';
  /** What happens to the flags. */
  readonly events: OpenFeatureEventEmitter = new OpenFeatureEventEmitter();

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

  protected override emit(event: 'Ready' | 'Stale' | 'ConfigurationChanged', details?: EventDetails): void {
    this.events.emit(ProviderEvents[event], details);
  }
}
