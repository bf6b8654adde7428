// What the shared layer adds to the core: remembered answers, places for contexts, conversion of attributes.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';

const document = {
  cohorts: { staff: {}, testers: { when: [{ attribute: 'email', operator: 'ends_with', value: '@example.com' }] } },
  flags: {
    half: { rollout: { percentage: 50 } },
    adults: { conditions: [{ attribute: 'age', operator: '>=', value: 18 }] },
    staff_only: { rollout: { cohorts: [{ staff: true }] } },
    tests: { conditions: [{ cohort: 'testers' }] },
    tagged: { conditions: [{ attribute: 'tags', operator: 'contains', value: 'ß→🦀' }] },
    tuesday: { rollout: { percentage: 0, schedule: [{ at: new Date(NOW).toISOString(), percentage: 100 }] } },
    after_tuesday: { dependencies: ['tuesday'], rollout: { percentage: 100 } },
    size: {
      default: 1,
      variants: [
        { name: 'tiny', weight: 0, value: 1e-9 },
        { name: 'huge', weight: 1, value: 1.5e300 },
      ],
    },
    text: { default: 'off', on: 'line\nand "line"', rollout: { percentage: 0 } },
    json: { default: {}, on: { list: [1, { deep: null }], ä: true }, rollout: { percentage: 0 } },
  },
};

const users = Array.from({ length: 100 }, (_, i) => `user-${i}`);

for (const { engine } of engines) {
  describe(engine.name, () => {
    const snapshot = engine.load(compiled(document));

    test('more contexts than places give the answers that each alone gives', () => {
      const half = snapshot.flag('half');
      const alone = users.map((user) => snapshot.decide(half, user, undefined, NOW));
      const contexts = users.map((user) => snapshot.context(user));
      for (let round = 0; round < 3; round++) {
        assert.deepEqual(
          contexts.map((context) => context.decide(half, NOW)),
          alone,
        );
      }
      assert.ok(new Set(alone).size > 1, 'some are in and some are out');
    });

    test('a trip takes effect with the next decision, for every context', () => {
      const contexts = users.slice(0, 40).map((user) => snapshot.context(user, { age: 20 }));
      const answers = () => contexts.map((context) => context.isEnabled('adults', NOW));
      assert.ok(answers().every((on) => on));
      snapshot.setTrip(snapshot.flag('adults'), 'off');
      assert.ok(answers().every((on) => !on));
      assert.equal(contexts[0].decision('adults', NOW).reason, 'BREAKER_OPEN');
      assert.equal(snapshot.trip(snapshot.flag('adults')), 'off');
      assert.equal(
        snapshot.trips().some((byte) => byte !== 0),
        true,
      );
      snapshot.setTrip(snapshot.flag('adults'), 'clear');
      assert.ok(answers().every((on) => on));
    });

    test('what time alone may change is not remembered', () => {
      const context = snapshot.context('alice');
      for (const [now, on] of [
        [NOW - 1, false],
        [NOW, true],
        [NOW - 1, false],
      ]) {
        assert.equal(context.isEnabled('tuesday', now), on);
        assert.equal(context.isEnabled('after_tuesday', now), on);
      }
    });

    test('attributes are captured: later changes are not seen', () => {
      const attributes = { age: 20, tags: ['ß→🦀'] };
      const context = snapshot.context('alice', attributes);
      attributes.age = 3;
      attributes.tags[0] = 'other';
      // Out of its place, so that it is bound again.
      for (const user of users) snapshot.context(user);
      assert.equal(context.isEnabled('adults', NOW), true);
      assert.equal(context.isEnabled('tagged', NOW), true);
    });

    test('a context and a single question see the same attributes', () => {
      const attributes = {
        age: 20,
        tags: ['a', 'ß→🦀'],
        email: 'a@example.com',
        cohorts: ['staff'],
        unread: new Date(),
        no: null,
      };
      const context = snapshot.context('alice', attributes);
      for (const key of ['adults', 'staff_only', 'tests', 'tagged']) {
        assert.equal(context.isEnabled(key, NOW), true, key);
        assert.equal(snapshot.isEnabled(key, 'alice', attributes, NOW), true, key);
        assert.equal(snapshot.isEnabled(key, 'alice', {}, NOW), false, key);
      }
    });

    test('nothing that is null, undefined or not finite is there', () => {
      for (const age of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
        assert.equal(snapshot.isEnabled('adults', 'alice', { age }, NOW), false);
        assert.equal(snapshot.context(null, { age }).isEnabled('adults', NOW), false);
      }
    });

    test('a lone surrogate is U+FFFD, in keys and in attributes', () => {
      const half = snapshot.flag('half');
      assert.equal(snapshot.decide(half, '\ud800x', {}, NOW), snapshot.decide(half, '\ufffdx', {}, NOW));
      assert.equal(snapshot.isEnabled('tests', 'a', { email: '\udfff@example.com' }, NOW), true);
    });

    test('every type of value comes back as it was written', () => {
      const context = snapshot.context('alice');
      assert.equal(context.decision('size', NOW).value, 1.5e300);
      assert.equal(snapshot.decision('size', null, {}, NOW).variant, 'huge');
      assert.equal(snapshot.decision('text', 'alice', {}, NOW).value, document.flags.text.default);
      assert.deepEqual(snapshot.decision('json', 'alice', {}, NOW).value, {});
      assert.ok(Object.isFrozen(context.decision('json', NOW).value));
      assert.equal(context.decision('half', NOW), context.decision('half', NOW), 'made once');
    });

    test('decideAll gives what decide gives, rules included', () => {
      const context = snapshot.context('alice', { age: 20 });
      const all = context.decideAll(NOW);
      for (let flag = 0; flag < snapshot.flagCount; flag++) {
        const key = snapshot.flagKey(flag);
        assert.equal(all[flag * 2 + 1], context.decide(flag, NOW), key);
        assert.deepEqual(snapshot.decisionOf(flag, all[flag * 2], all[flag * 2 + 1]), context.decision(key, NOW));
      }
      const out = new Uint32Array(snapshot.flagCount * 2 + 5);
      assert.equal(context.decideAll(NOW, out), out);
      assert.deepEqual(out.subarray(0, all.length), all);
    });

    test('an attribute that asks in its turn changes nothing for the one who asked first', () => {
      const attributes = {
        get age() {
          assert.equal(snapshot.isEnabled('adults', 'inner', { age: 3, tags: ['a', 'b'] }, NOW), false);
          assert.equal(snapshot.context('inner', { age: 3 }).isEnabled('adults', NOW), false);
          return 20;
        },
        tags: ['ß→🦀'],
      };
      assert.equal(snapshot.isEnabled('adults', 'outer', attributes, NOW), true);
      const context = snapshot.context('outer', attributes);
      assert.equal(context.isEnabled('adults', NOW), true);
      assert.equal(context.isEnabled('tagged', NOW), true);
    });

    test('what an object inherits is no attribute, however one asks', () => {
      class User {
        get age() {
          return 20;
        }
      }
      const inherited = Object.create({ age: 20 });
      for (const attributes of [new User(), inherited, Object.create(null), new Map([['age', 20]])]) {
        assert.equal(snapshot.isEnabled('adults', 'alice', attributes, NOW), false);
        assert.equal(snapshot.context('alice', attributes).isEnabled('adults', NOW), false);
      }
      const names = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];
      const conditions = names.map((attribute) => ({ attribute, operator: 'not_exists' }));
      const odd = engine.load(compiled({ flags: { f: { conditions } } }));
      assert.equal(odd.isEnabled('f', 'alice', {}, NOW), true);
      assert.equal(odd.context('alice', {}).isEnabled('f', NOW), true);
      assert.equal(odd.isEnabled('f', 'alice', JSON.parse('{"__proto__":"x"}'), NOW), false);
      odd.free();
    });

    test('a load that fails, and memory that grows, change nothing for what is in use', () => {
      const other = engine.load(compiled(document));
      const context = other.context('alice', { age: 20 });
      assert.equal(other.isEnabled('adults', 'bob', { age: 3 }, NOW), false);
      for (let i = 1; i < 6; i++) {
        assert.throws(() => engine.load(new Uint8Array(i * 20_000_000)));
        assert.equal(other.isEnabled('adults', 'alice', { age: 20 }, NOW), true);
        assert.equal(other.flag('tagged'), snapshot.flag('tagged'));
        assert.equal(context.decideAll(NOW)[other.flag('adults') * 2 + 1], context.decide(other.flag('adults'), NOW));
      }
      other.free();
    });

    test('the salt of a flag is its key, unless the document says another', () => {
      const salted = engine.load(compiled({ flags: { a: {}, b: { salt: 'ä 2' } } }));
      assert.deepEqual(
        ['a', 'b'].map((key) => salted.flagSalt(salted.flag(key))),
        ['a', 'ä 2'],
      );
      salted.free();
    });

    test('a flag is static when nothing of a user, nor time, changes what it serves', () => {
      const condition = { attribute: 'age', operator: '>=', value: 18 };
      const variants = (weight) => [
        { name: 'one', weight: 1, value: true },
        { name: 'two', weight, value: false },
      ];
      const flags = {
        plain: {},
        off: { enabled: false, rollout: { percentage: 50 } },
        everyone: { rollout: { percentage: 100 } },
        one_variant: { variants: variants(0) },
        half: { rollout: { percentage: 50 } },
        drawn: { variants: variants(1) },
        targeted: { conditions: [condition] },
        overridden: { rollout: { percentage: 100 }, overrides: { alice: false } },
        dependent: { rollout: { percentage: 100 }, dependencies: ['half'] },
        scheduled: { rollout: { percentage: 100, schedule: [{ at: new Date(NOW).toISOString(), percentage: 100 }] } },
        ruled: { rules: [{ name: 'adults', conditions: [condition], percentage: 100 }], rollout: { percentage: 100 } },
      };
      const loaded = engine.load(compiled({ flags }));
      const found = Object.keys(flags).filter((key) => loaded.isStatic(loaded.flag(key)));
      assert.deepEqual(found, ['plain', 'off', 'everyone', 'one_variant']);
      loaded.free();
    });

    test('a flag that is not there is an error of its own', () => {
      assert.equal(snapshot.flag('nobody defines this'), -1);
      assert.equal(snapshot.flagKey(-1), undefined);
      assert.equal(snapshot.flagSalt(-1), undefined);
      assert.equal(snapshot.isStatic(-1), false);
      const context = snapshot.context('alice');
      for (const decision of [context.decision('none', NOW), snapshot.decision('none', 'alice', {}, NOW)]) {
        assert.deepEqual([decision.reason, decision.errorCode, decision.value], ['ERROR', 'FLAG_NOT_FOUND', undefined]);
      }
      assert.equal(context.isEnabled('none', NOW), false);
    });

    test('bytes and digest are those that were loaded', () => {
      const bytes = compiled(document);
      assert.deepEqual(new Uint8Array(snapshot.bytes()), new Uint8Array(bytes));
      const copy = engine.load(structuredClone(bytes));
      assert.equal(copy.digest, snapshot.digest);
      copy.free();
    });
  });
}
