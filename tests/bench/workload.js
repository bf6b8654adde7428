// What is decided: flags as teams have them, the same mix as in crates/flcm-flags-config/benches/workload.rs.

/** The users' ids have 36 characters, as UUIDs do. */
export const users = Array.from({ length: 1000 }, (_, i) => `550e8400-e29b-41d4-a716-${String(i).padStart(12, '4')}`);

/** Three strings, two numbers. */
export const attributes = { country: 'DE', plan: 'premium', app_version: '2.4.1', account_age_days: 45, orders: 12 };

/** A time at which nothing in particular happens. */
export const NOW = 1_800_000_000_000;

const country = { attribute: 'country', operator: 'in', value: ['AT', 'CH', 'DE'] };
const age = { attribute: 'account_age_days', operator: '>', value: 30 };
const plan = { attribute: 'plan', operator: '==', value: 'premium' };
const variants = [
  { name: 'control', weight: 50 },
  { name: 'fresh', weight: 50 },
];

/** The key of a flag. */
export function key(index) {
  return `team-${String(index % 40).padStart(2, '0')}.feature-${String(index).padStart(5, '0')}`;
}

/** A document of so many flags. */
export function document(count) {
  const flags = {};
  for (let index = 0; index < count; index++) {
    const rollout = { percentage: ((index * 7) % 99) + 1 };
    const kinds = [
      { rollout },
      { rollout },
      { rollout },
      { rollout },
      { rollout, conditions: [country] },
      { rollout, conditions: [country] },
      { rollout, conditions: [country, age] },
      { rollout, conditions: [country, age, plan], variants },
      { rollout, variants },
      { rollout: { ...rollout, cohorts: { staff: true } } },
      { rollout, dependencies: [key(index - 1)] },
      { rollout, enabled: false },
    ];
    flags[key(index)] = kinds[index % 12];
  }
  return { cohorts: { staff: { when: [{ attribute: 'plan', operator: '==', value: 'staff' }] } }, flags };
}
