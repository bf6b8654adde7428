// The program of room.test.js, in a process whose wasm memory is small: full memory is an error, and nothing is lost.

import assert from 'node:assert/strict';
import { compiler, engine } from '@flcm/flags-node/wasm';

const documentOf = (value) => `flags: { p: { conditions: [{ attribute: c, operator: contains, value: ${value} }] } }`;
const bytes = compiler.compile(documentOf('x')).snapshot;
const snapshot = engine.load(bytes);
const kept = snapshot.context('kept', { c: 'x' });

/** Does something until there is no room for it. */
function fill(step) {
  for (let i = 0; i < 100_000; i++) {
    try {
      step(i);
    } catch (error) {
      assert.equal(error.code, 'OUT_OF_MEMORY', String(error.stack));
      return i;
    }
  }
  throw new Error('memory was never full');
}

/** What was in use goes on deciding. */
function stillDecides() {
  for (const [c, on] of Object.entries({ x: true, y: false, ax: true })) {
    assert.equal(snapshot.isEnabled('p', 'u', { c }, 0), on);
  }
  assert.equal(kept.isEnabled('p', 0), true);
  assert.equal(kept.decision('p', 0).reason, 'TARGETING_MATCH');
}

// Large contexts of many snapshots, which keep their places' memory.
const others = [];
const filled = fill(() => {
  const other = engine.load(bytes);
  others.push(other);
  for (let i = 0; i < 32; i++) other.context('u', { c: 'x'.repeat(5000) });
});
stillDecides();
fill(() => others.push(engine.load(bytes)));
stillDecides();
const big = 'x'.repeat(300_000);
for (let i = 0; i < 100; i++) {
  try {
    assert.equal(snapshot.isEnabled('p', 'u', { c: big }, 0), true);
    snapshot.context('u', { c: big });
  } catch (error) {
    assert.equal(error.code, 'OUT_OF_MEMORY', String(error.stack));
  }
}
stillDecides();
for (const other of others) other.free();
stillDecides();
for (let i = 0; i < 100; i++)
  assert.equal(snapshot.context('u', { c: i % 2 ? 'x' : 'y' }).isEnabled('p', 0), i % 2 === 1);
engine.load(bytes).free();
console.log(`full after ${filled} snapshots`);
