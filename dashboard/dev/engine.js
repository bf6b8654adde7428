// Stands in for what the engine does not answer in the page yet. The command line compares and simulates; edits and
// outlines know only the layout that `documentOf` writes.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const program = process.env.FLCM_PROGRAM ?? new URL('../../target/debug/flcm', import.meta.url).pathname;

async function withFiles(texts, use) {
  const folder = mkdtempSync(join(tmpdir(), 'flcm-dev-'));
  try {
    return await use(
      texts.map((text, at) => {
        const file = join(folder, `${at}.yaml`);
        writeFileSync(file, text);
        return file;
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const run = async (...args) => JSON.parse((await promisify(execFile)(program, args, { maxBuffer: 1 << 28 })).stdout);

/** A program that is not optimised takes long for more. */
const MOST_RUNS = 40;

/** The lines of a flag: from its key to the next empty line. */
function blockOf(text, key) {
  const lines = text.split('\n');
  const start = lines.indexOf(`  ${key}:`);
  const length = lines.slice(start).indexOf('');
  return { lines, start, end: start + (length < 0 ? lines.length - start : length) };
}

function lineOf(block, pattern) {
  for (let at = block.start; at < block.end; at += 1) if (pattern.test(block.lines[at])) return at;
  return -1;
}

function applyOne(text, { op, path, key, value }) {
  if (op === 'insert')
    return `${text.trimEnd()}\n\n  ${key}:\n    description: ${value.description}\n    rollout:\n      percentage: ${value.rollout.percentage}\n`;
  if (op === 'remove' && path.length === 2) {
    const { lines, start, end } = blockOf(text, path[1]);
    return [...lines.slice(0, start), ...lines.slice(end + 1)].join('\n');
  }
  const block = blockOf(text, path[1]);
  const name = path.at(-1);
  const at = lineOf(block, new RegExp(`^ {${(path.length - 1) * 2}}${name}:`));
  if (op === 'remove') {
    if (at < 0) return text;
    let end = at + 1;
    while (end < block.end && /^ {7,}/.test(block.lines[end])) end += 1;
    block.lines.splice(at, end - at);
  } else if (at >= 0) block.lines[at] = block.lines[at].replace(/:( *)(\S+)/, `: ${value}`);
  else block.lines.splice(block.start + 1, 0, `${' '.repeat((path.length - 1) * 2)}${name}: ${value}`);
  return block.lines.join('\n');
}

const RANGE = { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };

function outline({ text, flag }) {
  const block = blockOf(text, flag);
  if (block.start < 0) throw new Error(`there is no flag ${flag}`);
  const body = block.lines.slice(block.start, block.end).join('\n');
  const values = [];
  const add = (path, value, from) => {
    const isLeaf = typeof value !== 'object' || Object.keys(value).length === 0;
    const origin = from ? { kind: 'inherited', from: ['templates', from] } : { kind: 'own' };
    values.push({ path, value: isLeaf ? value : null, origin, range: RANGE });
    const at = (key) => (Array.isArray(value) ? Number(key) : key);
    if (!isLeaf) for (const [key, part] of Object.entries(value)) add([...path, at(key)], part, from);
  };
  const number = /^ {6}percentage: ([0-9.]+)/m.exec(body);
  if (number) add(['rollout', 'percentage'], Number(number[1]));
  const schedule = [...body.matchAll(/- \{ at: (\S+), percentage: (\d+) \}/g)].map(([, at, percentage]) => ({
    at,
    percentage: Number(percentage),
  }));
  if (schedule.length > 0) {
    add(['rollout', 'schedule'], schedule);
    add(['rollout', 'ramp'], 'linear');
  }
  const own = /^ {4}extends: (\S+)/m.exec(body)?.[1];
  if (own) {
    add(['extends'], own);
    add(['rollout', 'cohorts'], [{ insiders: true }], own);
  }
  if (/^ {4}error_threshold/m.test(body))
    add(['error_threshold'], {
      rate: 0.05,
      ratio: 1.5,
      budget: 'strict',
      slow_ms: 800,
      slow_rate: 0.2,
      action: 'step_back',
    });
  else if (own) add(['error_threshold'], { rate: 0.05, window: 300, cooldown: 120, probe: 5 }, own);
  if (/^ {4}conditions:/m.test(body))
    add(
      ['conditions'],
      [
        { attribute: 'app_version', operator: 'semver_gte', value: '2.4.0' },
        { not: { attribute: 'country', operator: 'in', value: ['KP', 'IR'] } },
      ],
    );
  if (/^ {4}enabled: false/m.test(body)) add(['enabled'], false);
  const variants = [...body.matchAll(/- \{ name: (\S+), weight: (\d+), value: (\S+) \}/g)].map(
    ([, name, weight, value]) => ({ name, weight: Number(weight), value }),
  );
  if (variants.length > 0) add(['variants'], variants);
  const cohorts = own ? [{ name: 'insiders', range: RANGE }] : [];
  return { flag, range: RANGE, parents: own ? [own] : [], values, cohorts, flags: [], dependents: [] };
}

const functions = {
  diff: ({ base, text }) => withFiles([base, text], (files) => run('diff', '--json', ...files)),
  simulate: ({ text, flag, errorRate, perSecond, share, runs, baseline }) =>
    withFiles([text], ([file]) =>
      run(
        'simulate',
        '--json',
        '--flag',
        flag,
        '--error-rate',
        String(errorRate),
        '--baseline',
        String(baseline),
        '--rps',
        String(perSecond),
        '--share',
        String(share),
        '--runs',
        String(Math.min(runs, MOST_RUNS)),
        '--days',
        '3',
        file,
      ),
    ),
  edit: ({ text, edits }) => ({ text: edits.reduce(applyOne, text), changed: [] }),
  outline,
  cohorts: ({ text }) => [
    { name: 'beta_testers', users: 3, when: [], except: 0, namedBy: ['insiders'] },
    { name: 'internal_users', users: 0, when: ['email ends_with "@example.com"'], except: 1, namedBy: ['insiders'] },
    {
      name: 'insiders',
      users: 0,
      when: ['any of: cohort beta_testers, cohort internal_users'],
      except: 0,
      namedBy: [...text.matchAll(/\n {2}(\w+):\n(?: {4}.*\n)*? {4}extends: migration/g)]
        .map(([, key]) => key)
        .slice(0, 20),
    },
  ],
};

/** What a function of the engine answers. */
export const engineAnswer = async (name, argument) => functions[name](argument);
