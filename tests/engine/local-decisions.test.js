// Flags that serve everyone the same are answered without asking the engine, and counted in batches: the answers, the
// counts and the users must be those of the engine.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';

const everyone = { rollout: { percentage: 100 } };
const document = {
  flags: {
    on: everyone,
    bare: {},
    off: { enabled: false, conditions: [{ attribute: 'age', operator: '>', value: 30 }] },
    text: { ...everyone, default: 'plain', on: 'fancy' },
    one: { variants: [{ name: 'only', weight: 1 }] },
    by: { rollout: { percentage: 100, by: 'company' } },
    guarded: { ...everyone, error_threshold: { rate: 0.05 } },
    half: { rollout: { percentage: 50 } },
    narrow: {
      conditions: [
        { attribute: 'country', operator: '==', value: 'DE' },
        { attribute: 'age', operator: '>', value: 30 },
        {
          any: [
            { attribute: 'plan', operator: '==', value: 'pro' },
            { attribute: 'age', operator: '>', value: 60 },
          ],
        },
        { attribute: 'user_id', operator: '!=', value: 'user-7' },
      ],
      rollout: { percentage: 50 },
      variants: [
        { name: 'left', weight: 1 },
        { name: 'right', weight: 1 },
      ],
    },
    excepted: {
      conditions: [{ attribute: 'country', operator: '==', value: 'DE' }],
      rollout: { percentage: 100 },
      overrides: { 'user-3': true },
    },
    later: { rollout: { percentage: 0, schedule: [{ at: new Date(NOW + 1000).toISOString(), percentage: 100 }] } },
  },
};
const STATIC = ['on', 'bare', 'off', 'text', 'one', 'by', 'guarded'];
const NAME = { instance: 1, epoch: 2, sequence: 3 };

for (const { engine } of engines) {
  const loaded = (flags = document.flags) => {
    const snapshot = engine.load(compiled({ flags }));
    snapshot.metrics.start();
    return snapshot;
  };

  /** What is counted when each is decided by a context, which the engine decides and counts itself. */
  const asContexts = (decided) => {
    const snapshot = loaded();
    for (const [flag, key] of decided) snapshot.context(key).decision(flag, NOW);
    return snapshot.metrics.drain(NAME);
  };

  describe(engine.name, () => {
    test('a flag that serves everyone the same is decided as a context decides it', () => {
      const snapshot = loaded();
      for (const key of [undefined, null, '', 'alice', 'ä→🦀']) {
        for (const flag of [...STATIC, 'half', 'nothing']) {
          for (const trip of ['clear', 'probing', 'capped 40000', 'off', 'clear']) {
            if (flag !== 'nothing') snapshot.setTrip(snapshot.flag(flag), trip);
            const wanted = snapshot.context(key).decision(flag, NOW);
            assert.equal(snapshot.decision(flag, key, undefined, NOW), wanted, `${flag} ${trip}`);
            assert.equal(snapshot.isEnabled(flag, key, { age: 3 }, NOW), wanted.enabled, `${flag} ${trip}`);
          }
        }
      }
    });

    test('every decision and every user count once, whatever their key', () => {
      const long = 'x'.repeat(2000);
      const keys = [undefined, null, '', 'alice', 'alice', 'ä→🦀', '\ud800', long, `${long}é`, 'x'.repeat(50_000)];
      for (let user = 0; user < 3000; user++) keys.push(`user-${user}`.padEnd(user % 60, 'é'));
      const decided = keys.flatMap((key, at) => STATIC.slice(at % 3).map((flag) => [flag, key]));
      const snapshot = loaded();
      for (const [flag, key] of decided) snapshot.decide(snapshot.flag(flag), key, undefined, NOW);
      assert.deepEqual(snapshot.metrics.drain(NAME), asContexts(decided));
      assert.equal(snapshot.metrics.drain(NAME), undefined, 'nothing is left, and nothing comes twice');
    });

    test('a summary has what was decided until then', () => {
      const snapshot = loaded();
      for (let user = 0; user < 10; user++) snapshot.isEnabled('on', `user-${user}`, undefined, NOW);
      for (let twice = 0; twice < 2; twice++) {
        const { decisions, users } = snapshot.metrics.summary(snapshot.flag('on'));
        assert.deepEqual([decisions, Math.round(users)], [10, 10]);
      }
    });

    test('each decision counts for the trip under which it was made', () => {
      const snapshot = loaded();
      const flag = snapshot.flag('on');
      for (const [times, trip] of [
        [5, 'clear'],
        [7, 'off'],
        [9, 'capped 50000'],
        [11, 'clear'],
      ]) {
        snapshot.setTrip(flag, trip);
        for (let user = 0; user < times; user++) snapshot.decide(flag, `user-${user}`, undefined, NOW);
      }
      const { decisions, tallies } = snapshot.metrics.summary(flag);
      assert.equal(decisions, 32);
      assert.equal(tallies.find(({ reason }) => reason === 'BREAKER_OPEN').count, 7);
    });

    test('its own breaker switches it off with the next decision', () => {
      const snapshot = loaded();
      snapshot.breakers.guard('host', NOW);
      const flag = snapshot.flag('guarded');
      const decide = (now) => snapshot.decide(flag, 'alice', undefined, now);
      const outcome = decide(NOW);
      assert.equal(snapshot.decision('guarded', 'alice', undefined, NOW).enabled, true);
      const treatment = { total: 500, errors: 500, slow: 0, missing: 0 };
      const { generation } = snapshot.breakers.report(flag);
      snapshot.breakers.record(flag, { generation, treatment }, NOW);
      assert.equal(snapshot.breakers.poll(NOW + 1000).length > 0, true);
      assert.notEqual(decide(NOW + 1000), outcome);
      assert.equal(snapshot.decision('guarded', 'bob', undefined, NOW + 1000).reason, 'BREAKER_OPEN');
    });

    test('the next snapshot decides anew, and takes over what was counted', () => {
      const before = loaded();
      const next = loaded({ ...document.flags, on: { enabled: false } });
      before.setTrip(before.flag('bare'), 'off');
      for (let user = 0; user < 20; user++) before.isEnabled('on', `user-${user}`, undefined, NOW);
      assert.equal(next.isEnabled('bare', 'alice', undefined, NOW), true);
      next.follow(before, NOW);
      assert.equal(next.isEnabled('on', 'alice', undefined, NOW), false);
      assert.equal(next.isEnabled('bare', 'alice', undefined, NOW), false, 'the trip is taken over');
      before.isEnabled('on', 'nobody counts this', undefined, NOW);
      before.free();
      const { decisions, users } = next.metrics.summary(next.flag('on'));
      assert.deepEqual([decisions, Math.round(users)], [21, 21]);
      assert.throws(() => before.isEnabled('on', 'alice', undefined, NOW), { code: 'FREED' });
    });

    test('two snapshots in use at a time do not mix what they count', () => {
      const [one, other] = [loaded(), loaded()];
      const alice = one.context('alice');
      for (let user = 0; user < 1000; user++) {
        one.isEnabled('on', `user-${user}`, undefined, NOW);
        other.isEnabled('bare', `user-${user % 10}`, undefined, NOW);
        alice.isEnabled('half', NOW);
      }
      const counted = (snapshot, flag) => snapshot.metrics.summary(snapshot.flag(flag))?.decisions;
      assert.deepEqual([counted(one, 'on'), counted(one, 'bare'), counted(one, 'half')], [1000, undefined, 1000]);
      assert.deepEqual([counted(other, 'on'), counted(other, 'bare')], [undefined, 1000]);
    });

    test('a user that cannot be read is refused, whether or not it makes a difference', () => {
      const snapshot = loaded();
      for (const [flag, attributes] of [
        ['on', { cohorts: [3] }],
        ['off', { age: new Date() }],
      ]) {
        assert.throws(() => snapshot.isEnabled(flag, 'alice', attributes, NOW), { code: 'INVALID_CONTEXT' });
      }
      assert.equal(snapshot.isEnabled('on', 'alice', { cohorts: ['a'], age: new Date() }, NOW), true);
      for (const wrong of [3, {}, true, Symbol('a')]) {
        assert.throws(() => snapshot.isEnabled('on', wrong, {}, NOW), { code: 'INVALID_CONTEXT' });
      }
      for (const wrong of [3, 'text', true]) {
        assert.throws(() => snapshot.isEnabled('on', 'alice', wrong, NOW), { code: 'INVALID_CONTEXT' });
      }
      for (const wrong of [undefined, null, -1, 'now', {}]) {
        assert.throws(() => snapshot.isEnabled('on', 'alice', {}, wrong), { code: 'INVALID_ARGUMENT' });
      }
      assert.throws(() => snapshot.isEnabled('on', 'x'.repeat(1 << 20), {}, NOW), { code: 'INVALID_CONTEXT' });
      assert.equal(snapshot.metrics.summary(snapshot.flag('on')).decisions, 1);
    });

    test('a clock is asked where time may change the decision, and nowhere else', () => {
      const snapshot = loaded();
      let asked = 0;
      const clock = { now: () => NOW + 1000 * asked++ };
      const alice = snapshot.context('alice');
      for (const flag of ['on', 'half', 'off']) {
        alice.isEnabled(flag, clock);
        snapshot.isEnabled(flag, 'alice', {}, clock);
        snapshot.decision(flag, 'alice', {}, clock);
      }
      assert.equal(asked, 0);
      assert.deepEqual(
        [snapshot.isEnabled('later', 'alice', {}, clock), alice.isEnabled('later', clock)],
        [false, true],
      );
      assert.equal(asked, 2);
    });

    test('a clock that decides in its turn changes nothing for the one who asked first', () => {
      const snapshot = loaded();
      const clock = { now: () => (snapshot.isEnabled('half', 'another', { age: 7 }, NOW) ? NOW : NOW) };
      const alice = snapshot.context('alice');
      for (const flag of ['later', 'half']) {
        assert.equal(snapshot.decision(flag, 'alice', {}, clock), alice.decision(flag, NOW));
        assert.equal(alice.decide(snapshot.flag(flag), clock), snapshot.decide(snapshot.flag(flag), 'alice', {}, NOW));
      }
    });

    /** Users with each mixture of odd values. */
    const odd = () => {
      const users = [];
      for (const country of ['DE', 'FR', 'a country with a long name', '', 7, true, ['DE'], undefined])
        for (const age of [31, 30, 61, 0, -0, Number.NaN, '31', null])
          for (const plan of ['pro', 'free', false]) users.push({ country, age, plan, user_id: 'FR', other: 'DE' });
      return users;
    };

    test('whoever a value leaves out is decided as a context decides, each time', () => {
      const snapshot = loaded();
      const decided = loaded();
      for (let round = 0; round < 3; round++) {
        for (const [at, attributes] of odd().entries()) {
          for (const flag of ['narrow', 'excepted']) {
            const wanted = decided.context(`user-${at % 11}`, attributes).decision(flag, NOW);
            const found = snapshot.decision(flag, `user-${at % 11}`, attributes, NOW);
            assert.deepEqual(found, wanted, `${flag} ${at} ${JSON.stringify(attributes)}`);
          }
        }
      }
      assert.deepEqual(snapshot.metrics.drain(NAME), decided.metrics.drain(NAME), 'and counted as often');
    });

    test('what a value leaves out changes with a trip, and comes back with its end', () => {
      const snapshot = loaded();
      const flag = snapshot.flag('narrow');
      const ask = () => snapshot.decision('narrow', 'alice', { country: 'FR', age: 40, plan: 'pro' }, NOW).reason;
      const reasons = ['clear', 'off', 'probing', 'capped 10000', 'clear'].map((trip) => {
        snapshot.setTrip(flag, trip);
        return new Set([ask(), ask(), ask()]);
      });
      assert.deepEqual(reasons.slice(0, 2), [new Set(['DEFAULT']), new Set(['BREAKER_OPEN'])]);
      assert.deepEqual(reasons.at(-1), new Set(['DEFAULT']));
      assert.equal(snapshot.metrics.summary(flag).decisions, 15);
    });

    test('a value that is inherited leaves nobody out, and one that cannot be read is reported each time', () => {
      const snapshot = loaded();
      const ask = (attributes) => snapshot.decision('narrow', 'alice', attributes, NOW).reason;
      const inherited = Object.create({ country: 'FR' });
      for (let twice = 0; twice < 2; twice++) {
        assert.equal(ask({ country: 'FR', age: 40, plan: 'pro' }), 'DEFAULT');
        assert.equal(ask(Object.assign(inherited, { age: 40, plan: 'pro' })), 'DEFAULT');
        assert.throws(() => ask({ country: 'FR', age: new Date() }), { code: 'INVALID_CONTEXT' });
        assert.throws(() => ask({ country: 'FR', cohorts: [3] }), { code: 'INVALID_CONTEXT' });
      }
      assert.equal(snapshot.metrics.summary(snapshot.flag('narrow')).decisions, 4);
    });

    test('however many values there are, the memory for them has a bound, and the answers are right', () => {
      const snapshot = loaded();
      const decided = loaded();
      const flag = snapshot.flag('narrow');
      for (let user = 0; user < 6000; user++) {
        const attributes = { country: user % 3 ? `c${user}` : 'DE', age: user % 90, plan: 'pro' };
        const wanted = decided.context('alice', attributes).decide(flag, NOW);
        assert.equal(snapshot.decide(flag, 'alice', attributes, NOW), wanted);
      }
      assert.equal(snapshot.metrics.summary(flag).decisions, 6000);
    });
  });
}
