import type { FeaturesOptions } from '@flcm/features';
import type { EvaluationContext, EvaluationDetails, JsonValue } from '@openfeature/core';
import { describe, onTestFinished } from 'vitest';
import { ENGINES } from '../kit/local.ts';
import { NOBODY, ServerSide, type Side, WebSide } from './sides.ts';

type EngineOptions = Pick<FeaturesOptions, 'engine' | 'compiler'>;

const SIDES: readonly (readonly [name: string, side: new () => Side])[] = [
  ['server', ServerSide],
  ['web', WebSide],
];

/** What holds for one provider, on one engine, holds for all. */
export function both(tests: (open: () => Side, engine: EngineOptions) => void): void {
  describe.each(SIDES)('%s provider', (_, NewSide) => {
    describe.each(ENGINES)('%s engine', (_name, engine) => tests(() => opened(NewSide), engine));
  });
}

/** An SDK that is closed when the test is over. */
export function opened<S extends Side>(NewSide: new () => S): S {
  const side = new NewSide();
  onTestFinished(() => side.close());
  return side;
}

/** Evaluates by the type of the fallback. */
export function details(
  side: Side,
  key: string,
  fallback: JsonValue,
  context: EvaluationContext = NOBODY,
): Promise<EvaluationDetails<JsonValue>> {
  const type = typeof fallback as 'boolean' | 'string' | 'number' | 'object';
  return side.evaluate({ type, key, fallback, context, hooks: [] });
}
