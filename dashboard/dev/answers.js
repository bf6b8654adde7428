// What the development server answers: the shapes that the server's own routes have.

import { random } from './flags.js';

const MINUTE = 60_000;

const outcomes = (total, rate, slow = 0.03) => [
  total,
  Math.round(total * (rate ?? 0)),
  Math.round(total * slow),
  Math.round(total * 0.0004),
];

export function overview(state) {
  const at = new Map(state.flags.map((flag, index) => [flag.key, index]));
  const column = (of) => state.flags.map(of);
  return {
    revision: state.revision,
    digest: state.digest,
    flags: {
      key: column((flag) => flag.key),
      description: column((flag) => flag.description),
      owner: column((flag) => flag.owner),
      tags: column((flag) => flag.tags),
      kind: column((flag) => flag.kind),
      until: column((flag) => flag.until),
      enabled: column((flag) => flag.enabled),
      percentage: column((flag) => flag.percentage),
      scheduled: column((flag) => flag.scheduled),
      rules: column((flag) => (flag.tags.length > 0 ? 2 : 1)),
      variants: column((flag) => flag.variants.length),
      needs: column((flag) => flag.needs.map((key) => at.get(key)).filter((index) => index !== undefined)),
      threshold: column((flag) => flag.threshold),
      changed: column(() => state.revision),
      changedAt: column((flag) => flag.changedAt),
    },
  };
}

function spark(flag) {
  const next = random(flag.key.length * 31 + flag.users);
  const bad = flag.rising || flag.trip === 'off';
  return Array.from({ length: 30 }, (_, at) => {
    const base = flag.fails[1] ?? flag.fails[0] ?? 0;
    const raised = bad && at > (flag.rising ? 17 : 21) ? (flag.fails[0] ?? base) : base;
    return raised * (0.8 + 0.4 * next());
  });
}

export function live(flag, now) {
  if (!flag.asked) return undefined;
  return {
    state: flag.threshold ? flag.state : null,
    trip: flag.trip,
    mode: flag.mode,
    cause: flag.cause ?? null,
    by: flag.by ?? null,
    generation: flag.generation,
    next: flag.next,
    nextAt: flag.nextAt ?? null,
    since: flag.since,
    evidence: flag.evidence,
    served: flag.served,
    asked: flag.scheduled ? flag.percentage + 0.2 : flag.enabled ? flag.percentage : 0,
    treatment: flag.fails[0] === null ? [0, 0, 0, 0] : outcomes(2461, flag.fails[0]),
    control: flag.fails[1] === null ? [0, 0, 0, 0] : outcomes(27_304, flag.fails[1]),
    users24h: flag.users,
    spark: flag.fails[0] === null ? [] : spark(flag),
    behind: flag.key === 'checkout_v2' ? 1 : 0,
    stricter: 0,
    lastAsked: now - 1000,
    unprotected: flag.unprotected ?? false,
  };
}

export function liveAll(state) {
  const now = Date.now();
  const flags = {};
  for (const flag of state.flags) {
    const entry = live(flag, now);
    if (entry) flags[flag.key] = entry;
  }
  return {
    at: now,
    sequence: state.sequence,
    hosts: { total: 14, inStep: 13 },
    unasked: state.flags.filter((flag) => flag.unasked).map((flag) => flag.key),
    flags,
  };
}

const REASONS = [
  'SPLIT',
  'TARGETING_MATCH',
  'OVERRIDE',
  'DEFAULT',
  'BREAKER_OPEN',
  'PREREQUISITE_FAILED',
  'DISABLED',
  'STATIC',
  'ERROR',
];

/** As many outcomes, a share of which failed. */
function outcomesOf(total, failed, p95) {
  const all = total.reduce((sum, count) => sum + count, 0);
  return {
    decisions: total,
    total,
    failed: total.map((count) => Math.round(count * failed)),
    slow: total.map(() => 0),
    missing: total.map(() => 0),
    p50: total.map(() => p95 / 5),
    p95: total.map(() => p95),
    whole: { total: all, failed: all > 0 ? failed : null, p50: p95 / 5, p95 },
  };
}

const steps = [1000, 10_000, 60_000, 900_000];

export function series(flag, from, to, points) {
  const step = steps.find((step) => (to - from) / step <= points) ?? 900_000;
  const at = [];
  for (let time = Math.ceil(from / step) * step; time <= to; time += step) at.push(time);
  const next = random(flag.users + step);
  const seconds = step / 1000;
  const rise = to - 9 * MINUTE;
  const base = flag.fails[1] ?? 0.002;
  const bad = flag.fails[0] ?? 0;
  const column = (of) => at.map(of);
  const noise = (value) => Math.max(0, Math.round(value * (0.9 + 0.2 * next())));
  const isRaised = (time) =>
    (flag.rising && time > rise) ||
    (flag.trip !== 'clear' && flag.next === 'acknowledge' && time > flag.since - 2 * MINUTE && time < flag.since);
  const counted = flag.asked && flag.fails.some((rate) => rate !== null);
  const totals = column((time) =>
    counted && !(flag.trip === 'off' && time > flag.since) && flag.fails[0] !== null ? noise(8.2 * seconds) : 0,
  );
  const controls = column(() => (counted && flag.fails[1] !== null ? noise(91 * seconds) : 0));
  let level = 0;
  const relative = column((time) => {
    level = isRaised(time)
      ? level + step / (flag.rising ? 50_000 : 10_000)
      : Math.max(-1.2, Math.min(0.4, level * 0.9 + (next() - 0.55) * 0.4));
    return Math.min(40_000, Math.exp(Math.min(level * 0.88, Math.log(40_000 * Math.max(flag.evidence, 0.0001)))));
  });
  const perSecond = 1260 * seconds;
  const share = { SPLIT: 0.058, TARGETING_MATCH: 0.013, DEFAULT: 0.929 };
  const held = flag.trip === 'off';
  return {
    flag: flag.key,
    step: step / 1000,
    at,
    decisions: Object.fromEntries(
      REASONS.map((reason) => [
        reason,
        column(() =>
          !flag.asked
            ? 0
            : held && reason === 'SPLIT'
              ? 0
              : held && reason === 'BREAKER_OPEN'
                ? noise(perSecond * 0.06)
                : noise(perSecond * (share[reason] ?? 0)),
        ),
      ]),
    ),
    variants: Object.fromEntries(
      flag.variants.map((name, at) => [
        name,
        outcomesOf(
          column(() => noise(perSecond * 0.02)),
          0.012 * (at + 1),
          480 + 60 * at,
        ),
      ]),
    ),
    outside: outcomesOf(
      column(() => noise(38 * seconds)),
      0.016,
      610,
    ),
    treatment: {
      total: totals,
      failed: totals.map((total, i) => Math.round(total * (isRaised(at[i]) ? bad : base) * (0.8 + 0.4 * next()))),
      slow: totals.map((total) => Math.round(total * 0.031)),
      missing: totals.map((total) => (total > 50 && next() < 0.1 ? 1 : 0)),
    },
    control: {
      total: controls,
      failed: controls.map((total) => Math.round(total * base * (0.9 + 0.2 * next()))),
      slow: controls.map((total) => Math.round(total * 0.028)),
      missing: controls.map(() => (next() < 0.2 ? 1 : 0)),
    },
    evidence: {
      absolute: column(() => 0.5 + 0.2 * next()),
      relative,
      slowAbsolute: column(() => 0.2),
      slowRelative: column(() => 0.3),
    },
    limit: column(() => 40_000),
    percent: column(() => flag.served),
    trip: column(() => flag.trip),
    users: column(() => 310),
    p50: column(() => noise(120)),
    p95: column(() => noise(610)),
    marks:
      flag.key === 'checkout_v2'
        ? [{ at: to - 24 * MINUTE, kind: 'revision', id: 28_831_204, text: 'anna: 5 → 8 %' }]
        : [],
  };
}

export function breakerEvent(flag, event, actor, at) {
  return {
    id: `${flag.key}:${flag.generation}:${at}`,
    flag: flag.key,
    event,
    source: 'servers',
    ...(flag.cause ? { cause: flag.cause } : {}),
    from: 'closed',
    to: flag.state,
    mode: flag.mode,
    percentBefore: flag.percentage,
    percentAfter: flag.served,
    at,
    actor,
    text: `${flag.key}: ${event}`,
    evidence: {
      generation: flag.generation,
      sequence: 12,
      attempt: 0,
      trips: 1,
      next: flag.next,
      treatment: { total: 1492, errors: 91, slow: 12, missing: 1 },
      control: { total: 27_304, errors: 322, slow: 700, missing: 8 },
      absolute: 0.5,
      relative: 40_120,
      slowAbsolute: 0.2,
      slowRelative: 0.3,
      limit: 40_000,
      spread: 1,
    },
  };
}

export function incidents(flag) {
  if (flag.next !== 'acknowledge') return [];
  const event = breakerEvent(flag, flag.trip.startsWith('capped') ? 'capped' : 'tripped', 'breaker', flag.since);
  return [
    {
      id: event.id,
      event,
      step: 1,
      points: series({ ...flag, rising: false }, flag.since - 120_000, flag.since + 60_000, 2000),
    },
  ];
}

const names = ['shop', 'shop', 'shop', 'search', 'billing'];

export const hosts = (state) =>
  Array.from({ length: 14 }, (_, at) => ({
    instance: (0x1f3a9c0b7d21 * (at + 3)).toString(16).padStart(16, '0').slice(0, 16),
    host: `${names[at % names.length]}-${at + 1}`,
    app: names[at % names.length],
    version: at === 6 ? '2.3.9' : '2.4.1',
    sdk: at % 5 === 4 ? 'rust/0.9.0' : 'features-js/0.9.0',
    kind: at % 5 === 4 ? 'rust' : 'server',
    first: Date.now() - 86_400_000 * 3,
    lastSeen: Date.now() - (at === 6 ? 95_000 : 400 + at * 90),
    revision: at === 6 ? state.revision - 1 : state.revision,
    inStep: at !== 6,
    says: at === 11 ? 'stricter' : null,
  })).concat([
    {
      instance: '',
      host: null,
      app: 'checkout-page',
      version: '2.4.1',
      sdk: 'features-js/0.9.0',
      kind: 'page',
      first: Date.now() - 86_400_000,
      lastSeen: Date.now() - 300,
      revision: state.revision,
      inStep: true,
      says: null,
      count: 4102,
    },
  ]);

export const flagHosts = (flag) =>
  flag.asked
    ? [
        {
          app: 'shop',
          version: '2.4.1',
          sdk: 'features-js/0.9.0',
          hosts: 9,
          pages: 0,
          behind: 0,
          decisions24h: 9_120_000,
          lastAsked: Date.now() - 900,
        },
        {
          app: 'shop',
          version: '2.3.9',
          sdk: 'features-js/0.9.0',
          hosts: 1,
          pages: 0,
          behind: 1,
          decisions24h: 640_000,
          lastAsked: Date.now() - 4000,
        },
        {
          app: 'checkout-page',
          version: '2.4.1',
          sdk: 'features-js/0.9.0',
          hosts: 0,
          pages: 4102,
          behind: 0,
          decisions24h: 2_400_000,
          lastAsked: Date.now() - 300,
        },
      ]
    : [];
