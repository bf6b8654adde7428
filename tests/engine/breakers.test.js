// Breakers through the shared layer: outcomes go in, and what follows is in force with the next decision.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';

const document = (percentage = 50, rate = 0.05) => ({
  flags: {
    child: { dependencies: ['parent'], rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } },
    parent: { rollout: { percentage }, error_threshold: { rate, recovery: 'auto' } },
    plain: {},
  },
});

const failing = { treatment: { total: 40, errors: 40 }, control: { total: 90, errors: 60 } };

/** A snapshot with breakers, the flag `parent`, and a function that rolls it back. */
function guarded(engine, scope = 'fleet') {
  const snapshot = engine.load(compiled(document()));
  const { breakers } = snapshot;
  breakers.guard(scope, NOW);
  const flag = snapshot.flag('parent');
  const fail = (now) => {
    const { generation } = breakers.report(flag);
    const early = breakers.record(flag, { generation, ...failing }, now);
    return [...early, ...breakers.poll(now + 1000)];
  };
  return { snapshot, breakers, flag, fail };
}

for (const { engine } of engines) {
  describe(engine.name, () => {
    test('a rollback is in force with the next decision, for remembered ones as well', () => {
      const { snapshot, breakers, flag, fail } = guarded(engine);
      const users = Array.from({ length: 50 }, (_, i) => snapshot.context(`user-${i}`));
      const on = () => users.filter((user) => user.isEnabled('parent', NOW)).length;
      const before = on();
      assert.ok(before > 10, 'some are on');
      assert.equal(on(), before, 'and are remembered');
      const [tripped, ...more] = fail(NOW);
      assert.deepEqual(more, []);
      assert.equal(on(), 0);
      assert.deepEqual(
        [tripped.flag, tripped.event, tripped.cause, tripped.from, tripped.to, tripped.next],
        [flag, 'tripped', 'shared', 'closed', 'open', 'probe'],
      );
      assert.deepEqual([tripped.percentBefore, tripped.percentAfter], [50, 0]);
      assert.deepEqual([tripped.total, tripped.errors, tripped.controlTotal, tripped.controlErrors], [40, 40, 90, 60]);
      assert.ok(tripped.absolute > tripped.limit && tripped.limit === 2000);
      assert.equal(breakers.nextDeadline(), tripped.nextAt);
      assert.equal(snapshot.trip(flag), 'off');
      const [opened] = breakers.poll(tripped.nextAt);
      assert.equal(opened.event, 'half_opened');
      assert.ok(on() <= 10, 'only the probe share');
    });

    test('a person holds, observes, acknowledges and releases', () => {
      const { snapshot, breakers, flag, fail } = guarded(engine);
      const event = (transitions) => transitions.map((transition) => [transition.event, transition.mode]);
      assert.deepEqual(event(breakers.setMode(flag, 'held', NOW)), [['mode_changed', 'held']]);
      assert.equal(snapshot.trip(flag), 'off');
      assert.deepEqual(breakers.setMode(flag, 'held', NOW), [], 'it is so already');
      assert.deepEqual(event(breakers.setMode(flag, 'observe', NOW)), [['mode_changed', 'observe']]);
      assert.deepEqual(event(fail(NOW + 1000)), [['would_trip', 'observe']]);
      assert.equal(snapshot.trip(flag), 'clear');
      breakers.setMode(flag, 'auto', NOW + 5000);
      const [{ generation }] = fail(NOW + 6000);
      assert.deepEqual(breakers.acknowledge(flag, generation - 1, NOW + 8000), [], 'an older one is not meant');
      assert.equal(breakers.acknowledge(flag, generation, NOW + 8000)[0].event, 'acknowledged');
      assert.equal(snapshot.trip(flag), 'clear');
      assert.throws(() => breakers.setMode(flag, 'sideways', NOW), { code: 'INVALID_ARGUMENT' });
    });

    test('what a fleet says and what the own breaker says: the stricter counts', () => {
      const { snapshot, breakers, flag, fail } = guarded(engine, 'host');
      snapshot.setTrip(flag, 'capped 20000');
      assert.equal(snapshot.trip(flag), 'capped 20000');
      const [tripped] = fail(NOW);
      assert.equal(snapshot.trip(flag), 'off');
      snapshot.setTrip(flag, 'clear');
      assert.equal(snapshot.trip(flag), 'off', 'its own breaker is open still');
      breakers.acknowledge(flag, tripped.generation, NOW + 2000);
      assert.equal(snapshot.trip(flag), 'clear');
      for (const wrong of ['capped', 'capped -1', 'capped 100001', 'capped 1.5', 'Capped 1']) {
        assert.throws(() => snapshot.setTrip(flag, wrong), { code: 'INVALID_ARGUMENT' }, wrong);
      }
    });

    test('outcomes are told one by one, and a user fails once a minute', () => {
      const { snapshot, breakers, flag } = guarded(engine, 'host');
      const users = Array.from({ length: 60 }, (_, i) => snapshot.context(`user-${i}`));
      const treated = users.filter((user) => user.isEnabled('parent', NOW));
      const [alice] = treated;
      for (let time = 0; time < 1000; time += 1) {
        breakers.outcome(flag, alice.decide(flag, NOW), { failed: true, durationMs: 3 }, NOW + time, alice);
      }
      assert.deepEqual([breakers.report(flag).total, breakers.report(flag).errors], [1, 1]);
      const left = users.find((user) => !user.isEnabled('parent', NOW));
      breakers.outcome(flag, left.decide(flag, NOW), {}, NOW, left);
      assert.equal(breakers.report(flag).controlTotal, 1);
      // Nobody in particular: each counts.
      breakers.outcome(flag, alice.decide(flag, NOW), { missing: true }, NOW);
      breakers.outcome(flag, alice.decide(flag, NOW), {}, NOW);
      assert.deepEqual([breakers.report(flag).total, breakers.report(flag).missing], [3, 1]);
      const transitions = treated.flatMap((user) =>
        breakers.outcome(flag, user.decide(flag, NOW), { failed: true }, NOW, user),
      );
      assert.deepEqual(transitions, []);
      assert.equal(breakers.outcome(flag, alice.decide(flag, NOW), {}, NOW + 1000)[0].event, 'tripped');
    });

    test('a snapshot that follows takes breakers, what was said and metrics over', () => {
      const { snapshot, flag, fail } = guarded(engine);
      snapshot.metrics.start();
      snapshot.setTrip(snapshot.flag('plain'), 'capped 7000');
      const user = snapshot.context('alice');
      for (let time = 0; time < 10; time += 1) user.decide(flag, NOW);
      const [tripped] = fail(NOW);
      const next = engine.load(compiled({ flags: { another: {}, ...document(80).flags } }));
      assert.deepEqual(next.follow(snapshot, NOW + 2000), []);
      snapshot.free();
      const moved = next.flag('parent');
      assert.notEqual(moved, flag);
      assert.deepEqual([next.trip(moved), next.trip(next.flag('plain'))], ['off', 'capped 7000']);
      assert.equal(next.breakers.report(moved).generation, tripped.generation);
      assert.equal(next.metrics.summary(moved).decisions, 10);
      const other = engine.load(compiled(document(80, 0.1)));
      const [configured] = other.follow(next, NOW + 3000);
      assert.deepEqual([configured.event, configured.flag], ['configured', other.flag('parent')]);
      assert.equal(other.trip(configured.flag), 'off', 'another threshold is no reason to go on');
      assert.throws(() => other.follow(other, NOW), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => other.follow(snapshot, NOW), { code: 'FREED' });
      assert.throws(() => other.breakers.outcome(0, 0, {}, NOW, next.context('alice')), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => other.follow({}, NOW), { code: 'INVALID_ARGUMENT' });
    });

    test('a breaker outlives its process', () => {
      const { breakers, flag, fail } = guarded(engine);
      fail(NOW);
      const again = guarded(engine);
      const bytes = breakers.save(flag);
      assert.equal(again.breakers.restore(flag, bytes), true);
      assert.deepEqual(again.breakers.report(flag), breakers.report(flag));
      assert.equal(again.snapshot.trip(flag), 'off');
      assert.equal(again.breakers.restore(again.snapshot.flag('plain'), bytes), false, 'it has none');
      for (const wrong of [bytes.slice(1), new Uint8Array(bytes.length), [1], undefined]) {
        assert.throws(() => again.breakers.restore(flag, wrong), { code: 'INVALID_ARGUMENT' });
      }
      assert.equal(again.snapshot.trip(flag), 'off', 'the one in use stays');
    });

    test('misuse is an error that says what is wrong, and changes nothing', () => {
      const { snapshot, breakers, flag } = guarded(engine);
      const before = breakers.report(flag);
      const wrong = [undefined, null, 5, {}, { generation: -1 }, { generation: 1, treatment: { total: 1.5 } }];
      for (const counts of [...wrong, { generation: 1, treatment: { total: Number.NaN } }]) {
        assert.throws(() => breakers.record(flag, counts, NOW), { code: 'INVALID_ARGUMENT' });
      }
      for (const now of [undefined, Number.NaN, -1, '5']) {
        assert.throws(() => breakers.poll(now), { code: 'INVALID_ARGUMENT' });
        assert.throws(() => breakers.record(flag, { generation: 1 }, now), { code: 'INVALID_ARGUMENT' });
        assert.throws(() => breakers.guard('fleet', now), { code: 'INVALID_ARGUMENT' });
      }
      assert.throws(() => breakers.guard('galaxy', NOW), { code: 'INVALID_ARGUMENT' });
      assert.deepEqual(breakers.report(flag), before);
      breakers.record(flag, { generation: 1, treatment: { total: 1, errors: 2 } }, NOW);
      assert.equal(breakers.report(flag).refused, 1, 'more failures than outcomes');
      for (const none of [-1, 99, snapshot.flag('plain')]) {
        assert.deepEqual(breakers.record(none, { generation: 1, ...failing }, NOW), []);
        assert.equal(breakers.report(none), undefined);
        assert.equal(breakers.save(none), undefined);
      }
      assert.throws(() => breakers.outcome(flag, 3 << 27, {}, NOW), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => breakers.outcome(flag, 0, { generation: -1 }, NOW), { code: 'INVALID_ARGUMENT' });
      assert.throws(() => breakers.acknowledge(flag, 1.5, NOW), { code: 'INVALID_ARGUMENT', message: /generation/ });
      snapshot.free();
      assert.throws(() => breakers.poll(NOW), { code: 'FREED' });
      assert.throws(() => breakers.report(flag), { code: 'FREED' });
    });
  });
}
