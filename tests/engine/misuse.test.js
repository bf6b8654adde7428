// A trap cannot reach the caller: hostile bytes, wrong types and freed snapshots give an `Error` with a code.

import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { compiled, engines, NOW } from './engines.js';

const document = {
  flags: { f: { conditions: [{ attribute: 'age', operator: '>', value: 1 }] }, g: { rollout: { percentage: 50 } } },
};
const bytes = compiled(document);

function throws(code, message, call) {
  assert.throws(call, (error) => {
    assert.ok(error instanceof Error && !(error instanceof WebAssembly.RuntimeError), String(error));
    assert.equal(error.code, code, `${error.code}: ${error.message}`);
    assert.match(error.message, message);
    return true;
  });
}

for (const { engine, compiler } of engines) {
  describe(engine.name, () => {
    test('bytes that are no snapshot', () => {
      for (const wrong of [new Uint8Array(0), new Uint8Array(7), new TextEncoder().encode('{"flags":{}}')]) {
        throws('INVALID_SNAPSHOT', /^invalid snapshot: /, () => engine.load(wrong));
      }
      throws('INVALID_SNAPSHOT', /./, () => engine.load(bytes.subarray(0, bytes.length - 1)));
    });

    test('every damaged byte is refused or harmless', () => {
      let refused = 0;
      for (let at = 0; at < bytes.length; at++) {
        const damaged = bytes.slice();
        damaged[at] ^= 0x55;
        try {
          engine.load(damaged).free();
        } catch (error) {
          assert.equal(error.code, 'INVALID_SNAPSHOT');
          refused++;
        }
      }
      assert.equal(refused, bytes.length, 'the checksum covers every byte');
    });

    test('what is not bytes', () => {
      for (const wrong of [
        undefined,
        null,
        'text',
        42,
        {},
        [1, 2],
        new ArrayBuffer(8),
        new Float64Array(8),
        new DataView(new ArrayBuffer(8)),
      ]) {
        throws('INVALID_ARGUMENT', /Uint8Array/, () => engine.load(wrong));
      }
    });

    test('arguments of the wrong type', () => {
      const snapshot = engine.load(bytes);
      const context = snapshot.context('alice', { age: 3 });
      for (const wrong of [undefined, null, 'f', 1.5, Number.NaN, 2 ** 32, {}, [0]]) {
        throws('INVALID_ARGUMENT', /flag id/, () => context.decide(wrong, NOW));
        throws('INVALID_ARGUMENT', /flag id/, () => snapshot.decide(wrong, 'alice', {}, NOW));
      }
      for (const wrong of [undefined, null, Number.NaN, -1, 2 ** 54, 'now', {}, Object.create(null)]) {
        throws('INVALID_ARGUMENT', /`now`/, () => context.decide(0, wrong));
        throws('INVALID_ARGUMENT', /`now`/, () => context.decideAll(wrong));
        throws('INVALID_ARGUMENT', /`now`/, () => snapshot.isEnabled('f', 'alice', {}, wrong));
      }
      for (const wrong of [undefined, null, 3, {}]) {
        throws('INVALID_ARGUMENT', /flag key/, () => context.isEnabled(wrong, NOW));
        throws('INVALID_ARGUMENT', /flag key/, () => snapshot.flag(wrong));
      }
      throws('INVALID_ARGUMENT', /Uint32Array of at least 4/, () => context.decideAll(NOW, new Uint32Array(3)));
      throws('INVALID_ARGUMENT', /no state of a trip/, () => snapshot.setTrip(0, 'tripped'));
      for (const wrong of [undefined, 5, {}, Symbol('off'), Object.create(null)]) {
        throws('INVALID_ARGUMENT', /state of a trip/, () => snapshot.setTrip(0, wrong));
      }
      for (const wrong of [undefined, null, 'x', {}, 0.5, 2 ** 32]) {
        throws('INVALID_ARGUMENT', /flag id/, () => snapshot.setTrip(wrong, 'off'));
        throws('INVALID_ARGUMENT', /flag id/, () => snapshot.trip(wrong));
        throws('INVALID_ARGUMENT', /flag id/, () => snapshot.flagKey(wrong));
        throws('INVALID_ARGUMENT', /flag id/, () => snapshot.decisionOf(wrong, 0, 0));
        throws('INVALID_ARGUMENT', /decideAll/, () => snapshot.decisionOf(0, wrong, 0));
      }
      assert.equal(snapshot.trip(0), 'clear');
      throws('INVALID_ARGUMENT', /no flag 9/, () => snapshot.setTrip(9, 'clear'));
      assert.equal(context.decide(5, NOW), context.decide(-1, NOW), 'an id that no flag has is no flag');
      snapshot.free();
    });

    test('contexts that cannot be read', () => {
      const snapshot = engine.load(bytes);
      for (const wrong of [{}, [3], [['a']], new Date(), 3n, Symbol('a'), () => 3]) {
        throws('INVALID_CONTEXT', /`age`/, () => snapshot.context('alice', { age: wrong }));
        throws('INVALID_CONTEXT', /`age`/, () => snapshot.isEnabled('f', 'alice', { age: wrong }, NOW));
        assert.equal(snapshot.isEnabled('g', 'alice', { age: wrong }, NOW), snapshot.isEnabled('g', 'alice', {}, NOW));
      }
      throws('INVALID_CONTEXT', /toISOString/, () => snapshot.context('alice', { age: new Date() }));
      for (const wrong of [3, {}, true]) throws('INVALID_CONTEXT', /targeting key/, () => snapshot.context(wrong));
      throws('INVALID_CONTEXT', /too large/, () => snapshot.context('x'.repeat(1 << 20)));
      throws('INVALID_CONTEXT', /too large/, () => snapshot.context('a', { age: Array(100_000).fill('x') }));
      assert.equal(snapshot.flag('x'.repeat(1 << 20)), -1);
      const sparse = Array(30_000).fill('xxxxxxxxxx');
      delete sparse[7];
      throws('INVALID_CONTEXT', /`age`/, () => snapshot.isEnabled('f', 'alice', { age: sparse }, NOW));
      assert.equal(snapshot.isEnabled('f', 'alice', { age: 3 }, NOW), true);
      for (const wrong of ['text', 3, true])
        throws('INVALID_CONTEXT', /attributes/, () => snapshot.context('a', wrong));
      assert.equal(snapshot.context('alice', null).isEnabled('f', NOW), false);
      const large = snapshot.context('ä'.repeat(300_000));
      assert.equal(typeof large.isEnabled('g', NOW), 'boolean');
      snapshot.free();
    });

    test('a freed snapshot', () => {
      const snapshot = engine.load(bytes);
      const context = snapshot.context('alice', { age: 3 });
      const flag = snapshot.flag('f');
      assert.equal(context.isEnabled('f', NOW), true);
      snapshot.free();
      snapshot.free();
      const other = engine.load(bytes);
      const calls = [
        () => context.decide(flag, NOW),
        () => context.isEnabled('f', NOW),
        () => context.decision('f', NOW),
        () => context.decideAll(NOW),
        () => snapshot.context('bob'),
        () => snapshot.flag('f'),
        () => snapshot.flagKey(flag),
        () => snapshot.decide(flag, 'bob', {}, NOW),
        () => snapshot.isEnabled('f', 'bob', {}, NOW),
        () => snapshot.setTrip(flag, 'clear'),
        () => snapshot.trip(flag),
        () => snapshot.trips(),
        () => snapshot.bytes(),
        () => snapshot.decisionOf(flag, 0xffffffff, 0),
      ];
      for (const call of calls) throws('FREED', /freed/, call);
      assert.equal(other.isEnabled('f', 'alice', { age: 3 }, NOW), true);
      other.free();
    });

    test('too many snapshots: those that are loaded stay', () => {
      const first = engine.load(bytes);
      const loaded = [];
      throws('OUT_OF_MEMORY', /no room/, () => {
        for (let i = 0; i < 5000; i++) loaded.push(engine.load(bytes));
      });
      assert.ok(loaded.length > 4000);
      assert.equal(first.isEnabled('f', 'alice', { age: 3 }, NOW), true);
      for (const snapshot of [first, ...loaded]) snapshot.free();
      engine.load(bytes).free();
    });

    test('the compiler', () => {
      for (const wrong of [undefined, null, 3, {}])
        throws('INVALID_ARGUMENT', /document/, () => compiler.compile(wrong));
      const { snapshot, diagnostics, report } = compiler.compile('flags: { a: { enabled: 3 } }');
      assert.equal(snapshot, undefined);
      assert.equal(diagnostics[0].severity, 'error');
      assert.match(report, /enabled/);
      throws('INVALID_ARGUMENT', /Uint8Array/, () => compiler.explain({ snapshot: 'x', flag: 'f', now: NOW }));
      throws('INVALID_SNAPSHOT', /./, () => compiler.explain({ snapshot: new Uint8Array(9), flag: 'f', now: NOW }));
      throws('INVALID_ARGUMENT', /./, () => compiler.explain());
      for (const wrong of [undefined, 5, {}]) {
        throws('INVALID_ARGUMENT', /`flag`/, () => compiler.explain({ snapshot: bytes, flag: wrong, now: NOW }));
        throws('INVALID_ARGUMENT', /`now`/, () => compiler.explain({ snapshot: bytes, flag: 'f', now: wrong && '5' }));
      }
      for (const wrong of [3n, new Date(), () => 3, Symbol('a'), [3]]) {
        const attributes = { age: wrong };
        throws('INVALID_CONTEXT', /`age`/, () =>
          compiler.explain({ snapshot: bytes, flag: 'f', attributes, now: NOW }),
        );
      }
      throws('INVALID_CONTEXT', /age/, () =>
        compiler.explain({ snapshot: bytes, flag: 'f', attributes: { age: {} }, now: NOW }),
      );
      throws('INVALID_ARGUMENT', /now/, () => compiler.explain({ snapshot: bytes, flag: 'f', now: Number.NaN }));
      const { explanation, text } = compiler.explain({
        snapshot: bytes,
        flag: 'f',
        attributes: { age: 3 },
        targetingKey: '\ud800',
        now: NOW,
      });
      assert.equal(explanation.enabled, true);
      assert.match(text, /^f → on/);
      assert.match(compiler.compile(`flags: ${'['.repeat(100_000)}`).report, /nest|deep/);
    });
  });
}
