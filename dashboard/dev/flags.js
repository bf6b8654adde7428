// Flags of the development server: a dozen that show each state, and as many quiet ones as are asked for.

const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;

/** Each state of the list once, with what leads to it. */
const shown = [
  [
    'v2_framework_library',
    'The framework library of 2.0',
    'mentoring',
    25,
    {
      trip: 'off',
      state: 'open',
      next: 'acknowledge',
      cause: 'relative',
      ago: 12 * MINUTE,
      fails: [0.0612, 0.0118],
      served: 0,
      evidence: 1,
      users: 1208,
      generation: 4,
    },
  ],
  [
    'payments_sca',
    'Strong customer authentication, second try',
    'payments',
    40,
    {
      trip: 'off',
      mode: 'held',
      next: 'release',
      by: 'anna',
      ago: 2 * HOUR,
      fails: [null, 0.0031],
      served: 0,
      evidence: 0,
      users: 9950,
      generation: 2,
    },
  ],
  [
    'search_v2',
    'Search by the new index',
    'search',
    20,
    {
      trip: 'probing',
      state: 'half_open',
      ago: 31 * MINUTE,
      fails: [0.009, 0.0088],
      served: 1,
      evidence: 0.04,
      users: 7431,
      generation: 3,
    },
  ],
  [
    'checkout_v2',
    'The new checkout, ramped up over December',
    'checkout',
    8,
    { fails: [0.039, 0.0171], served: 8.3, evidence: 0.41, users: 12806, rising: true, scheduled: true, generation: 1 },
  ],
  [
    'ml_recommendations',
    'Recommendations by the model of May',
    'search',
    30,
    {
      trip: 'capped 5000',
      state: 'closed',
      next: 'acknowledge',
      cause: 'slowRelative',
      ago: DAY,
      fails: [0.0042, 0.004],
      served: 5,
      evidence: 1,
      users: 30112,
      generation: 6,
    },
  ],
  [
    'v2_mentor_layer',
    'The mentor layer of 2.0',
    'mentoring',
    10,
    { fails: [0.0114, 0.012], served: 9.97, evidence: 0.02, users: 8070 },
  ],
  [
    'checkout_layout',
    'How the new checkout looks',
    'checkout',
    50,
    {
      fails: [0.0102, 0.0105],
      served: 49.8,
      evidence: 0.01,
      users: 1040,
      variants: ['one_page', 'wizard', 'legacy'],
      needs: ['checkout_v2'],
    },
  ],
  [
    'checkout_help',
    'Help for those who see the wizard',
    'checkout',
    50,
    { served: 3, users: 240, needs: ['checkout_layout', 'maintenance'] },
  ],
  [
    'team_baskets',
    'Baskets that a whole company shares',
    'b2b',
    20,
    { served: 1.6, evidence: 0, users: 611, needs: ['checkout_v2'] },
  ],
  [
    'waiting_room',
    'A queue before the sale',
    'b2b',
    20,
    { served: 0, users: 12, needs: ['payments_sca'], fails: [null, 0.001] },
  ],
  [
    'free_shipping_limit',
    'From which basket on shipping is free',
    'pricing',
    100,
    { fails: [0.002, null], served: 100, evidence: 0, users: 30410, kind: 'permanent', changed: 41 * DAY },
  ],
  [
    'legacy_search',
    'On for everyone until search 2.0 is out',
    'search',
    100,
    { served: 100, users: 29981, changed: 94 * DAY, threshold: false },
  ],
  ['onboarding_tour', 'The tour for new users', 'growth', 50, { asked: false, unasked: true, changed: 17 * DAY }],
  [
    'banner',
    'What the banner says',
    'growth',
    0,
    { served: 0, users: 30410, changed: 20 * DAY, variants: ['winter', 'plain'] },
  ],
  [
    'maintenance',
    'Switched on by hand',
    'platform',
    50,
    { enabled: false, served: 0, users: 30410, kind: 'ops', changed: 220 * DAY, threshold: false },
  ],
  [
    'invoice_pdf_v2',
    'Invoices by the new renderer',
    'billing',
    100,
    { fails: [0.0011, null], served: 100, users: 2233, changed: 6 * DAY, until: 40 * DAY },
  ],
];

const owners = ['checkout', 'search', 'growth', 'billing', 'platform', 'mentoring'];

/** Numbers that look random and are the same each time. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

function quiet(number) {
  const next = random(number * 7919 + 17);
  const percentage = next() < 0.6 ? 100 : next() < 0.9 ? 0 : Math.round(next() * 99);
  const key = `feature_${String(number).padStart(5, '0')}`;
  const details = {
    served: percentage,
    users: Math.round(next() * 20_000),
    changed: Math.round(next() * 80) * DAY,
    asked: number % 40 === 0,
    unasked: number % 800 === 1,
  };
  return [key, `Feature ${number} of the catalogue`, owners[number % owners.length], percentage, details];
}

/** The state of everything that the server answers from. */
export function makeFlags(count, now) {
  const rows = [...shown];
  for (let number = 1; rows.length < count; number += 1) rows.push(quiet(number));
  return rows.slice(0, count).map(([key, description, owner, percentage, details]) => ({
    key,
    description,
    owner,
    percentage,
    tags: owner === 'checkout' || owner === 'mentoring' ? ['migration'] : [],
    kind: 'release',
    enabled: true,
    threshold: true,
    scheduled: false,
    variants: [],
    needs: [],
    state: 'closed',
    trip: 'clear',
    mode: 'auto',
    next: 'nothing',
    fails: [null, null],
    evidence: 0,
    users: 0,
    served: percentage,
    asked: true,
    generation: 1,
    ...details,
    until: details.until === undefined ? null : now + details.until,
    changedAt: now - (details.changed ?? details.ago ?? 5 * HOUR),
    since: details.ago === undefined ? 0 : now - details.ago,
  }));
}

/** The stages of schedules. They are ahead for a day at least, so that flags have their own percentages until then. */
function stages(now) {
  const first = Math.ceil(now / DAY) * DAY + DAY;
  const stage = (at, percentage) =>
    `        - { at: ${new Date(at).toISOString().replace('.000Z', 'Z')}, percentage: ${percentage} }`;
  return [stage(first, 10), stage(first + 14 * DAY, 60)];
}

/** The document of these flags. */
export function documentOf(flags, now) {
  const lines = [
    '# The flags of the development server.',
    'cohorts:',
    '  # Colleagues who try everything first.',
    '  beta_testers: { users: [alice, bob, carol] }',
    '  internal_users:',
    '    when: [{ attribute: email, operator: ends_with, value: "@example.com" }]',
    '    except: [mallory]',
    '  insiders:',
    '    when:',
    '      - any:',
    '          - cohort: beta_testers',
    '          - cohort: internal_users',
    '',
    'templates:',
    '  migration:',
    '    error_threshold: { rate: 0.05, window: 300, cooldown: 120, probe: 5 }',
    '    rollout:',
    '      cohorts: [{ insiders: true }]',
    '',
    'flags:',
  ];
  for (const flag of flags) {
    lines.push(`  ${flag.key}:`, `    description: ${flag.description}`);
    if (flag.tags.includes('migration')) lines.push('    extends: migration');
    if (!flag.enabled) lines.push('    enabled: false');
    if (flag.needs.length > 0) lines.push(`    dependencies: [${flag.needs.join(', ')}]`);
    if (flag.variants.length > 0) {
      lines.push(
        '    variants:',
        ...flag.variants.map((name) => `      - { name: ${name}, weight: 1, value: ${name} }`),
      );
    }
    lines.push(
      '    rollout:',
      `      percentage: ${flag.percentage}${flag.key === 'checkout_v2' ? '        # agreed with payments, 12 Nov' : ''}`,
    );
    if (flag.scheduled) {
      lines.push('      schedule:', ...stages(now), '      ramp: linear');
    }
    if (flag.key === 'checkout_v2') {
      lines.push(
        "    # On top of the template's: a shop that is slow sells less.",
        '    error_threshold: { ratio: 1.5, budget: strict, slow_ms: 800, slow_rate: 0.2, action: step_back }',
        '    conditions:',
        '      - { attribute: app_version, operator: semver_gte, value: "2.4.0" }',
        '      - not: { attribute: country, operator: in, value: [KP, IR] }',
      );
    }
    if (flag.key === 'invoice_pdf_v2') {
      lines.push(
        '    rules:',
        '      - name: large customers',
        '        conditions:',
        '          - any:',
        '              - { attribute: seats, operator: ">=", value: 100 }',
        '              - all: [{ attribute: plan, operator: in, value: [pro, team] }, { cohort: beta_testers }]',
        '        percentage: 50',
      );
    }
    lines.push('');
  }
  return lines.join('\n');
}
