import { expect, test } from 'vitest';
import { settle } from '../kit/clock.ts';
import { local, updatable } from '../kit/local.ts';
import { both, details } from './both.ts';

both((open, engine) => {
  const ALICE = { targetingKey: 'alice' };

  test('the next provider is asked for a flag that is not there, and for no other', async () => {
    const side = open();
    const first = await local({ ...engine, document: 'flags: { shared: { default: one, on: one } }' });
    const second = await local({
      ...engine,
      document: 'flags: { shared: { default: two, on: two }, own: { default: mine, on: mine } }',
    });
    await side.provideAll(first.features, second.features);
    expect(await details(side, 'shared', '', ALICE)).toMatchObject({ value: 'one', reason: 'STATIC' });
    expect(await details(side, 'own', '', ALICE)).toMatchObject({ value: 'mine' });
    expect(await details(side, 'nowhere', '-', ALICE)).toMatchObject({ value: '-', reason: 'ERROR' });
    // Another error than that it is not there ends the search.
    expect(await details(side, 'shared', 1, ALICE)).toMatchObject({ value: 1, reason: 'ERROR' });
    expect(second.features.metrics.summary('shared')).toBeUndefined();
  });

  test('contexts, changes and tracking reach the providers inside', async () => {
    const side = open();
    const on = 'flags: { mine: { rollout: { percentage: 0 }, overrides: { alice: true } }, other: {} }';
    const { features, update } = await updatable(on, engine);
    const second = await local({ ...engine, document: 'flags: { last: {} }' });
    await side.provideAll(features, second.features);
    expect((await details(side, 'mine', false, ALICE)).value).toBe(true);
    expect((await details(side, 'mine', true, { targetingKey: 'bob' })).value).toBe(false);
    const heard = side.listen();
    await update(on.replace('other: {}', 'other: { enabled: false }'));
    await settle();
    expect(heard.filter(([event]) => event === 'CONFIGURATION_CHANGED')).toEqual([
      ['CONFIGURATION_CHANGED', ['other']],
    ]);
    await side.track('click', ALICE);
    for (const { metrics } of [features, second.features]) {
      expect(metrics.custom().metrics).toEqual([{ name: 'click', amount: 1 }]);
    }
  });
});
