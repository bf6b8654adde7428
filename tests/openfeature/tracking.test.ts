import { expect, test } from 'vitest';
import { local } from '../kit/local.ts';
import { both, details } from './both.ts';

const DOCUMENT =
  'flags: { risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05, slow_ms: 100 } }, calm: {} }';

both((open, engine) => {
  const begin = async () => {
    const side = open();
    const world = await local({ ...engine, document: DOCUMENT });
    await side.provide(world.features);
    return { side, ...world };
  };

  test('events are counted under their name, values go into a histogram', async () => {
    const { side, features } = await begin();
    const alice = { targetingKey: 'alice' };
    await side.track('checkout', alice, { value: 20 });
    await side.track('checkout', alice, { value: 40, currency: 'EUR' });
    await side.track('signup', alice);
    const { dropped, metrics } = features.metrics.custom();
    expect(dropped).toBe(0);
    expect(metrics).toMatchObject([
      { name: 'checkout', amount: 2 },
      { name: 'signup', amount: 1 },
      { name: 'checkout.value', count: 2, mean: 30 },
    ]);
  });

  test('outcomes of a feature reach its breaker, and roll it back', async () => {
    const { side, features, clock } = await begin();
    for (let user = 0; user < 10; user++) {
      const context = { targetingKey: `user-${user}` };
      expect((await details(side, 'risky', false, context)).value).toBe(true);
      await side.track('flcm.outcome', context, { flag: 'risky', failed: user > 0, durationMs: 500 });
    }
    await side.track('flcm.outcome', {}, { flag: 'nowhere', failed: true });
    await side.track('flcm.outcome', {}, {});
    expect(features.metrics.summary('risky')).toMatchObject({ total: 10, errors: 9, slow: 10 });
    expect(features.metrics.custom().metrics).toEqual([]);
    await clock.pass(2000);
    expect(await details(side, 'risky', true, { targetingKey: 'eve' })).toMatchObject({
      value: false,
      reason: 'BREAKER_OPEN',
    });
  });
});
