// What the application says of single users, which flags an update has changed, and counts of two snapshots.

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';

const variants = [
  { name: 'blue', weight: 1 },
  { name: 'red', weight: 1 },
];
const DOCUMENT = {
  cohorts: { beta: { users: ['alice'] }, old: { when: [{ attribute: 'age', operator: '>', value: 60 }] } },
  flags: {
    gone: { enabled: false },
    two: { rollout: { percentage: 0, cohorts: { beta: true, old: true } }, variants },
  },
};
const bytes = compiled(DOCUMENT);

for (const { engine } of engines) {
  const fresh = () => engine.load(bytes);

  test(`${engine.name}: an override is the engine's decision`, () => {
    const snapshot = fresh();
    const [two, gone] = [snapshot.flag('two'), snapshot.flag('gone')];
    const bob = snapshot.context('bob');
    const words = (flag, outcome) => snapshot.decisionOf(flag, 0xffffffff, outcome);
    const red = words(two, bob.decideAs(two, 'red', NOW));
    assert.deepEqual([red.enabled, red.variant, red.reason], [true, 'red', 'OVERRIDE']);
    assert.equal(words(gone, bob.decideAs(gone, 'on', NOW)).reason, 'DISABLED');
    assert.equal(words(two, bob.decideAs(two, 'off', NOW)).enabled, false);
    assert.throws(() => bob.decideAs(two, 'green', NOW), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => bob.decideAs(-1, 'on', NOW), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => bob.decideAs(two, 'on', Number.NaN), { code: 'INVALID_ARGUMENT' });
  });

  test(`${engine.name}: a context knows its cohorts, also after its place was taken`, () => {
    const snapshot = fresh();
    const alice = snapshot.context('alice', { age: 70 });
    for (let other = 0; other < 40; other++) snapshot.context(`user-${other}`);
    assert.deepEqual(alice.cohorts(), ['beta', 'old']);
    assert.deepEqual(snapshot.context('bob').cohorts(), []);
  });

  test(`${engine.name}: flags that are written differently are told, in parts`, () => {
    const before = fresh();
    const flags = { ...DOCUMENT.flags, another: {}, two: { rollout: { percentage: 1 } } };
    const next = engine.load(compiled({ ...DOCUMENT, flags }));
    const changed = [0, 1, 2, 3].flatMap((first) => next.changedSince(before, first, 1));
    assert.deepEqual(
      changed.map((flag) => next.flagKey(flag)),
      ['another', 'two'],
    );
    assert.deepEqual(next.changedSince(before, 0, 100), changed);
    const cohorts = { ...DOCUMENT.cohorts, beta: { users: ['bob'] } };
    const members = engine.load(compiled({ ...DOCUMENT, cohorts }));
    assert.deepEqual(
      members.changedSince(before, 0, 100).map((flag) => members.flagKey(flag)),
      ['two'],
    );
    before.free();
    assert.throws(() => next.changedSince(before, 0, 1), { code: 'FREED' });
    assert.throws(() => next.changedSince({}, 0, 1), { code: 'INVALID_ARGUMENT' });
  });

  test(`${engine.name}: what was drained stays in summaries where totals are kept`, () => {
    const live = fresh();
    live.metrics.start(true);
    const two = live.flag('two');
    live.isEnabled('two', 'alice', {}, NOW);
    live.metrics.add('baskets', 2);
    const batch = live.metrics.drain({ instance: 1, epoch: 1, sequence: 1 });
    assert.equal(live.metrics.drain({ instance: 1, epoch: 1, sequence: 2 }), undefined);
    const aged = live.metrics.aged(batch, 1500);
    assert.notDeepEqual(aged, batch);
    live.isEnabled('two', 'bob', {}, NOW);
    live.metrics.add('baskets', 3);
    const both = live.metrics.summary(two);
    assert.deepEqual([both.decisions, Math.round(both.users)], [2, 2]);
    assert.deepEqual(live.metrics.custom().metrics, [{ name: 'baskets', amount: 5 }]);
    assert.throws(() => live.metrics.aged(batch.slice(1), 1), { code: 'INVALID_ARGUMENT' });
    assert.throws(() => live.metrics.aged(batch, -1), { code: 'INVALID_ARGUMENT' });
    const renamed = live.metrics.renamed(aged, { instance: 1, epoch: 9, sequence: 1 });
    assert.deepEqual(
      [renamed.length, live.metrics.renamed(renamed, { instance: 1, epoch: 1, sequence: 1 })],
      [batch.length, batch],
    );
    assert.throws(() => live.metrics.renamed(batch, { instance: 1, epoch: -1, sequence: 1 }), {
      code: 'INVALID_ARGUMENT',
    });
    const next = engine.load(compiled({ ...DOCUMENT, flags: { ...DOCUMENT.flags, another: {} } }));
    next.follow(live, NOW);
    assert.equal(next.metrics.summary(next.flag('two')).decisions, 2, 'an update loses none of it');
  });
}
