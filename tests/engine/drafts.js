// What the compiler answers about drafts, as text. Runs unchanged in Node and in a page.

const LATER = 1_800_000_000_000;

const BASE = `\
# Who has what.
cohorts:
  staff: { users: [carol, dave] }
flags:
  checkout:
    rollout: { percentage: 10, cohorts: [staff: true] }
    error_threshold: { rate: 0.05 }
  receipts:
    dependencies: [checkout]
    conditions: [{ attribute: country, operator: in, value: [DE, FR] }]
  theme:
    variants: [{ name: light, weight: 1, value: { "__proto__": { admin: true }, size: 1e17 } }, { name: dark, weight: 3 }]
`;

const DRAFTS = {
  raised: BASE.replace('percentage: 10', 'percentage: 25.5'),
  'a member less': BASE.replace(', dave', ''),
  'another split': BASE.replace('weight: 3', 'weight: 1'),
  'a flag less': `${BASE.slice(0, BASE.indexOf('  theme:'))}removed: [theme]\n`,
  'another salt': BASE.replace('  receipts:\n', '  receipts:\n    salt: pepper\n').replace('[DE, FR]', '[DE]'),
  unchanged: BASE,
};

const USERS = Array.from({ length: 400 }, (_, index) => ({
  targetingKey: ['carol', 'dave'][index] ?? `user ${index}`,
  country: ['DE', 'FR', 'US'][index % 3],
}));

const SCENARIO = {
  flag: 'checkout',
  errorRate: 0.2,
  requestsPerSecond: 20,
  sharePercent: 12.5,
  baseline: 0.02,
  seed: 7,
};

const EDITS = {
  raised: [{ op: 'set', path: ['flags', 'checkout', 'rollout', 'percentage'], value: 12.5 }],
  'inserted, renamed, removed': [
    { op: 'insert', path: ['flags'], key: 'new', value: { rollout: { percentage: 1 } } },
    { op: 'rename', path: ['flags', 'new'], key: 'newer' },
    { op: 'remove', path: ['flags', 'checkout', 'error_threshold'] },
    { op: 'insert', path: ['cohorts', 'staff', 'users'], index: 0, value: 'erin' },
    { op: 'move', path: ['cohorts', 'staff', 'users', 0], index: 2 },
  ],
  declined: [
    { op: 'set', path: ['flags', 'checkout', 'enabled'], value: false },
    { op: 'remove', path: ['flags', 'checkout', 'rollout', 'ramp'] },
  ],
};

/** What is asked, for whoever asks somebody else the same. */
export const asked = {
  base: BASE,
  drafts: DRAFTS,
  edits: EDITS,
  lines: `${USERS.map((user) => JSON.stringify(user)).join('\n')}\n`,
  now: LATER,
  runs: 12,
  scenario: SCENARIO,
};

/** Every answer, as JSON text. */
export function answers(compiler) {
  const workbench = compiler.workbench(BASE);
  const texts = {};
  for (const [name, edits] of Object.entries(EDITS))
    texts[`edit: ${name}`] = JSON.stringify(compiler.edit(BASE, edits));
  texts.cohorts = JSON.stringify(compiler.cohorts(BASE));
  for (const flag of ['checkout', 'receipts', 'theme']) {
    texts[`outline: ${flag}`] = JSON.stringify(compiler.outline(BASE, flag));
  }
  texts['cohortOutline: staff'] = JSON.stringify(compiler.cohortOutline(BASE, 'staff'));
  for (const [name, draft] of Object.entries(DRAFTS)) {
    texts[`problems: ${name}`] = JSON.stringify(workbench.draft(draft));
    texts[`diff: ${name}`] = JSON.stringify(workbench.diff(LATER));
    texts[`count: ${name}`] = JSON.stringify(counted(workbench));
  }
  workbench.free();
  const { snapshot } = compiler.compile(BASE);
  const simulator = compiler.simulator(snapshot, { ...SCENARIO, now: LATER });
  for (const runs of [1, 4]) simulator.advance(runs);
  texts.simulate = JSON.stringify(simulator.advance(asked.runs - 5));
  simulator.free();
  const trips = compiler.trips(snapshot, { checkout: 'off', gone: 'probing' });
  for (const flag of ['checkout', 'receipts', 'theme', 'gone']) {
    const question = { snapshot, flag, targetingKey: 'carol', attributes: { country: 'DE' }, now: LATER };
    texts[`explain: ${flag}`] = JSON.stringify(compiler.explain(question).explanation);
    texts[`explain: ${flag}, tripped`] = JSON.stringify(compiler.explain({ ...question, trips }).explanation);
  }
  return texts;
}

/** In parts, as a page reads a file. */
function counted(workbench) {
  const lines = asked.lines.split(/(?<=\n)/);
  for (let from = 0; from < lines.length; from += 77) workbench.count(lines.slice(from, from + 77).join(''));
  return workbench.count('');
}

/** The same in a page. */
export default async function () {
  const { createCompiler } = await import('/web/compile.js');
  return answers(await createCompiler());
}
