// What is measured, in no peer's words: each adapter translates it. Everything is deterministic, and rust/common makes the
// same users.

export const USERS = 10_000;
export const PLANS_IN = ['pro', 'team', 'enterprise'];
export const W = { W2_PCT: 10, W3_PCT: 25, W4_PCT: 20, AGE: 30 };

/** Mulberry32: small, and the same in Rust. */
function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Flat, so that no peer pays for strings that V8 has only concatenated. */
const userId = (i) => Buffer.from(`user-${String(i).padStart(5, '0')}`).toString('latin1');

/** Users with deterministic attributes; about a third pass the conditions of W3. */
export function mixedUsers() {
  const next = random(42);
  return Array.from({ length: USERS }, (_, i) => {
    const [country, age, plan] = [next(), next(), next()];
    return {
      id: userId(i),
      country: country < 0.6 ? 'DE' : country < 0.75 ? 'FR' : country < 0.9 ? 'US' : 'GB',
      age: Math.floor(age * 120),
      plan: plan < 0.25 ? 'free' : plan < 0.5 ? 'pro' : plan < 0.75 ? 'team' : 'enterprise',
    };
  });
}

/** The same users, all of whom pass the conditions of W3. */
export const hitUsers = () =>
  mixedUsers().map(({ id, age, plan }) => ({
    id,
    country: 'DE',
    age: 31 + (age % 80),
    plan: plan === 'free' ? 'pro' : plan,
  }));

/** The members of the segment: every tenth user, shuffled, so that a search from the front ends in the middle. */
export function segmentIds() {
  const ids = Array.from({ length: USERS / 10 }, (_, i) => userId(i * 10));
  const next = random(7);
  for (let i = ids.length - 1; i > 0; i--) {
    const j = Math.floor(next() * (i + 1));
    [ids[i], ids[j]] = [ids[j], ids[i]];
  }
  return ids;
}

const flagsOf = (kind, count) => Array.from({ length: count }, (_, i) => ({ key: `${kind.toLowerCase()}_${i}`, kind }));

/** The 100 flags of a request; W1 to W4 ask the first of their kind. Every second flag of W1 is off. */
export const evalFlags = () => [
  ...flagsOf('W1', 50).map((flag, i) => ({ ...flag, on: i % 2 === 0 })),
  ...flagsOf('W2', 20),
  ...flagsOf('W3', 25),
  ...flagsOf('W4', 5),
];

/** The 100 flags of a page: without W4, because nobody lists a thousand users in a page. */
export const pageFlags = () => [
  ...flagsOf('W1', 50).map((flag, i) => ({ ...flag, on: i % 2 === 0 })),
  ...flagsOf('W2', 25),
  ...flagsOf('W3', 25),
];

/** The flags of a start. */
export const bootFlags = (count) => flagsOf('W3', count);

/** The share of users that must get `true` or a variant; who misses it does not evaluate what the others do. */
export function expectedShares(users) {
  const passes = ({ country, age, plan }) => country === 'DE' && age > W.AGE && PLANS_IN.includes(plan);
  const W2 = W.W2_PCT / 100;
  const W3h = W.W3_PCT / 100;
  const W3 = (users.filter(passes).length / users.length) * W3h;
  const W4 = 0.1 + 0.9 * (W.W4_PCT / 100);
  const all = (25 + 20 * W2 + 25 * W3 + 5 * W4) / 100;
  return { W1: 1, W2, W3, W3h, W4, W5: all, W5all: all };
}
