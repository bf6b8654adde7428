// What is counted, through the shared layer: remembered decisions too, and batches that add up.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { compiled, engines, merging, NOW } from './engines.js';

const document = {
  flags: {
    half: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, slow_ms: 100 } },
    split: {
      variants: [
        { name: 'left', weight: 1 },
        { name: 'right', weight: 1 },
      ],
    },
  },
};

const sum = (tallies) => tallies.reduce((all, { count }) => all + count, 0);

for (const { engine } of engines) {
  describe(engine.name, () => {
    const counting = (by = engine) => {
      const snapshot = by.load(compiled(document));
      snapshot.metrics.start();
      return snapshot;
    };

    test('every decision counts, whether it was remembered or not, whoever has its place', () => {
      const snapshot = counting();
      const [half, split] = [snapshot.flag('half'), snapshot.flag('split')];
      // More contexts than there are places.
      const users = Array.from({ length: 100 }, (_, i) => snapshot.context(`user-${i}`));
      let decided = 0;
      for (let round = 0; round < 7; round += 1) {
        for (const user of users) {
          user.decide(half, NOW);
          user.isEnabled('half', NOW);
          user.decision('split', NOW);
          decided += 1;
        }
        if (round === 3) snapshot.setTrip(split, 'off');
      }
      snapshot.decide(half, 'user-0', undefined, NOW);
      const [of_half, of_split] = [half, split].map((flag) => snapshot.metrics.summary(flag));
      assert.equal(of_half.decisions, 2 * decided + 1);
      assert.equal(of_split.decisions, decided);
      assert.equal(sum(of_split.tallies), decided);
      assert.equal(of_split.tallies.find(({ reason }) => reason === 'BREAKER_OPEN').count, 300);
      assert.deepEqual(
        of_split.tallies.map(({ variant }) => variant),
        [undefined, 'left', 'right'],
      );
      assert.ok(Math.abs(of_half.users - 100) < 10, `${of_half.users} users`);
      assert.equal(snapshot.metrics.summary(half).decisions, 2 * decided + 1, 'asking twice counts nothing');
    });

    test('counts are kept when words are asked for, and when a context loses its place', () => {
      const snapshot = counting();
      const [half, split] = [snapshot.flag('half'), snapshot.flag('split')];
      const alice = snapshot.context('alice');
      for (let i = 0; i < 1000; i += 1) alice.decide(half, NOW);
      alice.decision('half', NOW);
      alice.decision('half', NOW);
      assert.equal(snapshot.metrics.summary(half).decisions, 1002);
      const others = Array.from({ length: 32 }, (_, i) => snapshot.context(`user-${i}`));
      for (const other of others) other.decide(split, NOW);
      for (let i = 0; i < 1000; i += 1) alice.decide(half, NOW);
      assert.equal(snapshot.metrics.summary(half).decisions, 2002);
    });

    test('what was decided before a rollback is no evidence after it, for a fleet as little as here', () => {
      const snapshot = counting();
      snapshot.breakers.guard('host', NOW);
      const flag = snapshot.flag('half');
      const treated = Array.from({ length: 50 }, (_, i) => snapshot.decide(flag, `user-${i}`, undefined, NOW)).find(
        (outcome) => (outcome & (1 << 27)) !== 0,
      );
      const { generation } = snapshot.breakers.report(flag);
      snapshot.breakers.setMode(flag, 'observe', NOW);
      snapshot.breakers.outcome(flag, treated, { failed: true, generation }, NOW);
      assert.equal(snapshot.breakers.report(flag).total, 0);
      snapshot.breakers.outcome(flag, treated, { failed: true, missing: true }, NOW);
      const { errors, missing, total } = snapshot.breakers.report(flag);
      assert.deepEqual([total, errors, missing], [1, 0, 1], 'it is the one or the other');
      assert.equal(snapshot.metrics.summary(flag).errorRate, 1);
    });

    test('nothing is counted before it is to be', () => {
      const snapshot = engine.load(compiled(document));
      snapshot.decide(0, 'alice', undefined, NOW);
      const alice = snapshot.context('alice');
      for (let i = 0; i < 10; i += 1) alice.decide(0, NOW);
      assert.equal(snapshot.metrics.summary(0), undefined);
      assert.equal(snapshot.metrics.drain({ instance: 1, epoch: 1, sequence: 1 }), undefined);
      assert.equal(snapshot.metrics.add('a'), false);
      snapshot.metrics.start();
      assert.equal(snapshot.metrics.summary(0), undefined, 'of a flag that nobody has asked for');
      alice.decide(0, NOW);
      assert.equal(snapshot.metrics.summary(0).decisions, 1);
      for (const name of [
        {},
        { instance: Number.NaN, epoch: 1, sequence: 1 },
        { instance: 1, epoch: 1, sequence: -1 },
      ]) {
        assert.throws(() => snapshot.metrics.drain(name), { code: 'INVALID_ARGUMENT' });
      }
      assert.equal(snapshot.metrics.summary(0).decisions, 1, 'it is there still');
      assert.deepEqual([snapshot.metrics.add('a', 0.5), snapshot.metrics.add('a', -1)], [false, false]);
    });

    test('outcomes, durations and slow calls', () => {
      const snapshot = counting();
      snapshot.breakers.guard('host', NOW);
      const flag = snapshot.flag('half');
      const treated = Array.from({ length: 100 }, (_, i) => snapshot.decide(flag, `user-${i}`, undefined, NOW)).find(
        (outcome) => (outcome & (1 << 27)) !== 0,
      );
      for (let ms = 1; ms <= 1000; ms += 1) {
        snapshot.breakers.outcome(flag, treated, { durationMs: ms, failed: ms % 100 === 0 }, NOW);
      }
      snapshot.breakers.outcome(flag, treated, {}, NOW);
      const summary = snapshot.metrics.summary(flag);
      assert.deepEqual([summary.total, summary.errors, summary.slow, summary.count], [1001, 10, 900, 1000]);
      assert.ok(Math.abs(summary.errorRate - 10 / 1001) < 1e-12);
      for (const [value, wanted] of [
        [summary.p50, 500],
        [summary.p95, 950],
        [summary.p99, 990],
      ]) {
        assert.ok(Math.abs(value / wanted - 1) <= 0.032, `${value}, not ${wanted}`);
      }
      assert.deepEqual([summary.min, summary.max, summary.mean], [1, 1000, 500.5]);
    });

    test('batches are drained once, and add up elsewhere', () => {
      const server = counting(merging);
      let decided = 0;
      for (let instance = 1; instance <= 3; instance += 1) {
        const snapshot = counting();
        for (let i = 0; i < 50 * instance; i += 1) {
          snapshot.decide(snapshot.flag('split'), `user-${i}`, undefined, NOW);
          decided += 1;
        }
        snapshot.metrics.add('clicks', instance);
        snapshot.metrics.observe('cart', 10 * instance);
        const batch = snapshot.metrics.drain({ instance, epoch: 7, sequence: 1 });
        assert.ok(snapshot.metrics.summary(snapshot.flag('split')).decisions === 0, 'it was taken');
        assert.equal(server.metrics.merge(batch), 0);
      }
      assert.equal(server.metrics.summary(server.flag('split')).decisions, decided);
      const { dropped, metrics } = server.metrics.custom();
      assert.equal(dropped, 0);
      assert.equal(metrics.find(({ name }) => name === 'clicks').amount, 6);
      const cart = metrics.find(({ name }) => name === 'cart');
      assert.deepEqual([cart.count, cart.min, cart.max, cart.mean], [3, 10, 30, 20]);
      const bytes = server.metrics.drain({ instance: 9, epoch: 1, sequence: 1 });
      const elsewhere = merging.load(compiled({ flags: { other: {} } }));
      elsewhere.metrics.start();
      assert.equal(elsewhere.metrics.merge(bytes), decided, 'decisions of flags that it does not have');
      bytes[20] ^= 1;
      for (const wrong of [bytes, bytes.slice(5), new Uint8Array(0), [1, 2], undefined]) {
        assert.throws(() => elsewhere.metrics.merge(wrong), { code: 'INVALID_ARGUMENT' });
      }
    });

    test('names that are none, and those that are too many, are counted as dropped', () => {
      const { metrics } = counting();
      assert.deepEqual([metrics.add(''), metrics.add('a\nb'), metrics.add('x'.repeat(49))], [false, false, false]);
      assert.equal(metrics.observe('negative', -1), false);
      const added = Array.from({ length: 100 }, (_, i) => metrics.add(`counter-${i}`)).filter(Boolean).length;
      assert.equal(added, 64);
      assert.ok(metrics.custom().dropped >= 39);
      assert.equal(metrics.custom().metrics.length, 64);
    });
  });
}
