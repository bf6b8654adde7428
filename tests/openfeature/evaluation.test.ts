import { ErrorCode } from '@openfeature/core';
import { expect, test } from 'vitest';
import { resolutionOf } from '../../pkg/openfeature/src/resolution.ts';
import { local } from '../kit/local.ts';
import { both, details } from './both.ts';

const DOCUMENT = `
revision: 7
flags:
  shiny: { rollout: { percentage: 99 }, error_threshold: { rate: 0.05 } }
  dark: { enabled: false, salt: night }
  colour: { default: grey, on: grey, variants: [{ name: red, weight: 1, value: '#f00' }, { name: blue, weight: 3, value: '#00f' }] }
  limit: { default: 3, on: 10, rules: [{ name: pros, conditions: [{ attribute: plan, operator: in, value: [pro] }] }] }
  theme: { default: {}, on: { size: 2, tags: [a, b] }, overrides: { alice: true }, rollout: { percentage: 0 } }
  child: { dependencies: [dark] }
  recent: { conditions: [{ attribute: joined, operator: after, value: 2026-01-01T00:00:00Z }] }
  tagged: { conditions: [{ attribute: tags, operator: contains, value: new }] }
  odd: { conditions: [{ attribute: odd, operator: exists }] }
`;

const ALICE = { targetingKey: 'alice', plan: 'pro' };

both((open, engine) => {
  const begin = async () => {
    const side = open();
    const { features } = await local({ ...engine, document: DOCUMENT });
    await side.provide(features);
    return { side, features };
  };

  test('values of all four types come with variant, reason and metadata', async () => {
    const { side } = await begin();
    const colour = await details(side, 'colour', '', ALICE);
    expect(colour).toMatchObject({ reason: 'SPLIT', value: colour.variant === 'red' ? '#f00' : '#00f' });
    expect(await details(side, 'dark', true, ALICE)).toMatchObject({
      value: false,
      reason: 'DISABLED',
      flagMetadata: { revision: 7, salt: 'night' },
    });
    const limit = { value: 10, reason: 'TARGETING_MATCH', flagMetadata: { revision: 7, rule: 'pros' } };
    expect(await details(side, 'limit', 0, ALICE)).toMatchObject(limit);
    expect(await details(side, 'limit', 0, { targetingKey: 'bob' })).toMatchObject({ value: 3, reason: 'DEFAULT' });
    const theme = { value: { size: 2, tags: ['a', 'b'] }, reason: 'OVERRIDE' };
    expect(await details(side, 'theme', {}, ALICE)).toMatchObject(theme);
    // What says no more than the key or nothing is left out.
    expect(colour.flagMetadata).toEqual({ revision: 7 });
    expect(await details(side, 'child', true, ALICE)).toMatchObject({ value: false, reason: 'PREREQUISITE_FAILED' });
  });

  test('it decides as the runtime does, for four hundred users', async () => {
    const { side, features } = await begin();
    for (let user = 0; user < 400; user++) {
      const context = { targetingKey: `user-${user}`, plan: user % 3 === 0 ? 'pro' : 'free' };
      const { value, variant, reason } = features.for(context).decision('colour');
      expect(await details(side, 'colour', '', context)).toMatchObject({ value, variant, reason });
      const shiny = await details(side, 'shiny', false, context);
      expect(shiny.value).toBe(features.for(context).isEnabled('shiny'));
    }
  });

  test('errors come with their code, and the fallback is served', async () => {
    const { side } = await begin();
    const failed = (value: unknown, errorCode: string) => ({ value, errorCode, reason: 'ERROR' });
    expect(await details(side, 'nowhere', true)).toMatchObject(failed(true, 'FLAG_NOT_FOUND'));
    expect(await details(side, 'shiny', 'mine')).toMatchObject(failed('mine', 'TYPE_MISMATCH'));
    expect(await details(side, 'limit', true)).toMatchObject(failed(true, 'TYPE_MISMATCH'));
    expect(await details(side, 'colour', {})).toMatchObject(failed({}, 'TYPE_MISMATCH'));
    const numbered = { targetingKey: 7 as unknown as string };
    expect(await details(side, 'shiny', false, numbered)).toMatchObject(failed(false, 'INVALID_CONTEXT'));
  });

  test('nobody is asked for a targeting key: without one, only what needs none is on', async () => {
    const { side } = await begin();
    expect(await details(side, 'shiny', true, {})).toMatchObject({ value: false, reason: 'DEFAULT' });
    expect(await details(side, 'limit', 0, { plan: 'pro' })).toMatchObject({ value: 10 });
  });

  test('dates are text, lists are lists, and what no condition reads is left out', async () => {
    const { side } = await begin();
    const serves = async (flag: string, context: object) => {
      const { value, errorCode } = await details(side, flag, false, { ...context });
      expect(errorCode).toBeUndefined();
      return value;
    };
    expect(await serves('recent', { joined: new Date('2026-03-01') })).toBe(true);
    expect(await serves('recent', { joined: new Date('2025-03-01') })).toBe(false);
    expect(await serves('recent', { joined: new Date(Number.NaN) })).toBe(false);
    expect(await serves('tagged', { tags: ['old', 'new'] })).toBe(true);
    expect(await serves('tagged', { tags: ['new', 1] })).toBe(false);
    expect(await serves('odd', { odd: 'text' })).toBe(true);
    for (const odd of [{ deep: { deeper: ['x'] } }, [{}], null, undefined])
      expect(await serves('odd', { odd })).toBe(false);
  });

  test('an evaluation is counted once', async () => {
    const { side, features } = await begin();
    for (let time = 0; time < 5; time++) await details(side, 'limit', 0, ALICE);
    await details(side, 'limit', 'wrong', ALICE);
    await details(side, 'limit', 0, { targetingKey: 'bob' });
    const { decisions, users, tallies } = features.metrics.summary('limit') ?? {};
    expect([decisions, Math.round(users ?? 0)]).toEqual([7, 2]);
    const counts = Object.fromEntries((tallies ?? []).map(({ reason, count }) => [reason, count]));
    expect(counts).toEqual({ TARGETING_MATCH: 6, DEFAULT: 1 });
  });

  test('the targeting key is no attribute, even where a document names one so, nor is it one to the application', async () => {
    for (const [attribute, targeted] of [
      ['targetingKey', false],
      ['plan', true],
    ] as const) {
      const side = open();
      const document = JSON.stringify({ flags: { keyed: { conditions: [{ attribute, operator: 'exists' }] } } });
      const { features } = await local({ ...engine, document });
      await side.provide(features);
      expect((await details(side, 'keyed', false, ALICE)).value, attribute).toBe(targeted);
      const seen: unknown[] = [];
      features.cohorts.feed('fed', (_user, attributes) => seen.push(Object.keys(attributes)) === 0);
      await details(side, 'keyed', false, ALICE);
      expect(seen.at(-1)).toEqual(['plan']);
    }
  });

  test('what one evaluation was given changes nothing for the next', async () => {
    const { side } = await begin();
    const first = await details(side, 'limit', 0, ALICE);
    const again = await details(side, 'limit', 0, ALICE);
    expect(again).toEqual(first);
    expect(await details(side, 'limit', 'another type', ALICE)).toMatchObject({ errorCode: 'TYPE_MISMATCH' });
    expect(await details(side, 'limit', 5, { ...ALICE, plan: 'free' })).toMatchObject({ value: 3, reason: 'DEFAULT' });
    expect(await details(side, 'limit', 5, ALICE)).toEqual({ ...first, flagKey: 'limit' });
  });

  test('what is held back says so', async () => {
    const { side, features } = await begin();
    features.breaker.hold('theme');
    expect(await details(side, 'theme', { mine: 1 }, ALICE)).toMatchObject({ value: {}, reason: 'BREAKER_OPEN' });
  });
});

test('words of the core that OpenFeature does not have are general errors', () => {
  const undecided = { enabled: false, value: undefined, variant: undefined, rule: undefined, arm: 'outside' };
  const flag = { key: 'beta', salt: 'beta', isStatic: false, resolved: new Map() };
  const codeOf = (errorCode: string) =>
    resolutionOf({ ...undecided, reason: 'ERROR', errorCode }, 1, 'number', flag, 0).errorCode;
  expect(codeOf('PARSE_ERROR')).toBe(ErrorCode.PARSE_ERROR);
  expect(codeOf('SOMETHING_LATER')).toBe(ErrorCode.GENERAL);
});
