import { createFeatures } from '@flcm/features';
import { describe, expect, test, vi } from 'vitest';
import { codes, ENGINES, type Local, local, seeded } from '../../kit/local.ts';

const DOCUMENT = `
cohorts: { staff: { users: [sam] } }
flags:
  all: { rollout: { percentage: 100 } }
  typed:
    conditions: [{ attribute: plan, operator: "==", value: pro }]
    default: none
    on: some
`;

const throwing = new Proxy(
  {},
  {
    get: () => {
      throw new Error('trap');
    },
    ownKeys: () => {
      throw new Error('trap');
    },
    getOwnPropertyDescriptor: () => {
      throw new Error('trap');
    },
  },
);
const cyclic: Record<string, unknown> = {};
cyclic.plan = cyclic;

/** What programs give in place of a value, by mistake or by malice. */
const ODD: Readonly<Record<string, unknown>> = {
  undefined: undefined,
  null: null,
  'not a number': Number.NaN,
  endless: Number.POSITIVE_INFINITY,
  'negative zero': -0,
  'a big integer': 10n ** 40n,
  'a symbol': Symbol('odd'),
  'a date': new Date(0),
  'no date': new Date(Number.NaN),
  'a function': () => 'pro',
  'a class': class {},
  'a map': new Map([['plan', 'pro']]),
  'a list of numbers': [1, 2],
  'a list of lists': [['pro']],
  'a list with holes': new Array(3),
  'an object': { plan: 'pro' },
  'nothing at all': Object.create(null),
  'a cycle': cyclic,
  'a promise': Promise.resolve('pro'),
  'lone surrogates': '\ud800\udfff\ud800',
  'no text': '',
  'a huge text': 'x'.repeat(2_000_000),
  'a huge list': new Array(20_000).fill('x'),
  'a proxy that throws': throwing,
  bytes: new Uint8Array(8),
  'an error': new Error('odd'),
};

describe.each(ENGINES)('%s', (_, engine) => {
  const open = (): Promise<Local> => local({ ...engine, document: DOCUMENT });

  /** Asks everything that can be asked. */
  function ask({ features }: Local, flag: unknown, user: unknown, attributes: unknown): void {
    const [key, id, given] = [flag as string, user as string, attributes as Record<string, string>];
    expect(features.isEnabled(key, id, given)).toBeTypeOf('boolean');
    features.variant(key, id, given);
    expect(features.value(key, 'fallback', id, given)).toBeTypeOf('string');
    expect(features.decision(key, id, given)).toHaveProperty('reason');
    expect(features.explain(key, id, given)).toHaveProperty('reason');
    expect(features.decideAll(id, given)).toBeTypeOf('object');
    features.cohorts.assignUser(id, given);
  }

  /** The same of a user who is known. */
  function askFor({ features }: Local, flag: unknown, context: unknown): void {
    const key = flag as string;
    const user = features.for(context as Record<string, string>);
    expect(user.isEnabled(key)).toBeTypeOf('boolean');
    user.variant(key);
    expect(user.value(key, 'fallback')).toBeTypeOf('string');
    expect(user.decision(key)).toHaveProperty('reason');
    expect(user.explain(key)).toHaveProperty('reason');
    expect(user.decideAll()).toBeTypeOf('object');
    expect(
      user.run(
        key,
        () => 'new',
        () => 'old',
      ),
    ).toMatch(/new|old/);
    user.record(key, { failed: true });
    features.breaker.recordError(key, user);
  }

  test.each(Object.keys(ODD))('nothing throws for %s', async (name) => {
    const odd = ODD[name];
    const world = await open();
    for (const step of ['idle', 'with cohorts']) {
      for (const flag of ['all', 'typed', 'nothing']) {
        ask(world, flag, odd, { plan: 'pro' });
        ask(world, flag, 'alice', odd);
        ask(world, flag, 'alice', { plan: odd });
        ask(world, flag, 'alice', { cohorts: odd });
        askFor(world, flag, odd);
        askFor(world, flag, { targetingKey: odd });
        askFor(world, flag, { targetingKey: 'alice', plan: odd, cohorts: odd });
      }
      ask(world, odd, 'alice', {});
      askFor(world, odd, { targetingKey: 'alice' });
      if (step === 'idle') world.features.cohorts.add('staff', 'tom');
    }
    expect(codes(world.errors).filter((code) => code !== 'INVALID_CONTEXT')).toEqual([]);
  });

  test('a getter that throws is a context that cannot be read, whatever it throws', async () => {
    for (const thrown of [new Error('trap'), undefined, null, 'text', Symbol('odd'), Object.create(null), throwing]) {
      const world = await open();
      const attributes = {
        get plan(): string {
          throw thrown;
        },
      };
      ask(world, 'typed', 'alice', attributes);
      askFor(world, 'typed', attributes);
      expect(new Set(codes(world.errors))).toEqual(new Set(['INVALID_CONTEXT']));
    }
  });

  test('what cannot be read is reported, and the fallback is served', async () => {
    const { features, errors } = await open();
    expect(features.isEnabled('typed', 'alice', { plan: new Date() as unknown as string })).toBe(false);
    expect(codes(errors)).toEqual(['INVALID_CONTEXT']);
    expect(errors[0]?.message).toMatch(/`plan` must be .*getTime\(\)/);
    const alice = features.for({ targetingKey: 'alice', plan: new Date() as unknown as string });
    expect(alice.decision('typed')).toMatchObject({ enabled: false, reason: 'ERROR', errorCode: 'INVALID_CONTEXT' });
    expect(alice.value('typed', 'fallback')).toBe('fallback');
    expect(codes(errors)).toEqual(['INVALID_CONTEXT', 'INVALID_CONTEXT']);
  });

  test('a context that cannot be read is reported once, until something changes', async () => {
    const { features, errors } = await open();
    const alice = features.for({ targetingKey: 5 as unknown as string });
    for (let times = 0; times < 100; times++) expect(alice.isEnabled('all')).toBe(false);
    expect(errors).toHaveLength(1);
    features.cohorts.add('staff', 'tom');
    expect(alice.isEnabled('all')).toBe(false);
    expect(errors).toHaveLength(2);
  });

  test('an attribute that no flag reads is not looked at', async () => {
    const { features, errors } = await open();
    expect(features.isEnabled('all', 'alice', { other: new Date() as unknown as string })).toBe(true);
    expect(errors).toEqual([]);
  });

  test('errors that nobody listens to are said on the console, once', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const features = await createFeatures({ ...engine, document: DOCUMENT });
    for (let times = 0; times < 3; times++) features.isEnabled('typed', 'alice', { plan: [1] as unknown as string });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]?.[0]).toMatch(/INVALID_CONTEXT/);
    await features.close();
    warn.mockRestore();
  });

  test('a listener of errors that asks the same again does not go on for ever', async () => {
    const { features } = await open();
    let heard = 0;
    features.on('error', () => {
      if (++heard < 5) features.isEnabled('typed', 'alice', { plan: new Date() as unknown as string });
    });
    expect(features.isEnabled('typed', 'alice', { plan: new Date() as unknown as string })).toBe(false);
    expect(heard).toBe(5);
  });

  test('contexts by chance: nothing throws, and those that can be read decide as before', async () => {
    const world = await open();
    const chance = seeded(11);
    const odd = Object.entries(ODD)
      .filter(([name]) => !name.startsWith('a huge'))
      .map(([, value]) => value);
    const pick = () => odd[Math.floor(chance() * odd.length)];
    for (let times = 0; times < 500; times++) {
      const attributes = { plan: chance() < 0.5 ? 'pro' : pick(), [String(chance())]: pick(), cohorts: pick() };
      ask(world, chance() < 0.8 ? 'typed' : pick(), chance() < 0.5 ? 'alice' : pick(), attributes);
      askFor(world, 'typed', { ...attributes, targetingKey: chance() < 0.5 ? 'alice' : pick() });
      expect(world.features.isEnabled('typed', 'alice', { plan: 'pro' })).toBe(true);
      expect(world.features.isEnabled('typed', 'alice', { plan: 'free' })).toBe(false);
    }
  });
});
