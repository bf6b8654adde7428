// The peers, one process a measurement: see README.md. Prints tables; each measurement is a line of JSON in `--out`.
import { appendFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { machine } from './lib/machine.js';
import { ROOT } from './lib/paths.js';
import { npmPeers, rustPeers } from './lib/peers.js';
import { run, waitForQuiet } from './lib/process.js';
import { serve } from './lib/server.js';
import { failures, tables } from './lib/table.js';

const { values: options } = parseArgs({
  options: {
    peers: { type: 'string' },
    workloads: { type: 'string', default: 'W1,W2,W3,W3h,W4,W5,W5all,W6' },
    'npm-only': { type: 'boolean' },
    'rust-only': { type: 'boolean' },
    programs: { type: 'string', default: path.join(process.env.CARGO_TARGET_DIR ?? `${ROOT}/target`, 'release') },
    rounds: { type: 'string', default: '3' },
    'boot-rounds': { type: 'string', default: '5' },
    'sample-ms': { type: 'string', default: '1500' },
    'warm-ms': { type: 'string', default: '600' },
    quiet: { type: 'string', default: '0.15' },
    'max-wait': { type: 'string', default: '0' },
    out: { type: 'string', default: path.join(ROOT, 'target/results.jsonl') },
    results: { type: 'string' },
  },
});

/** How many flags a start takes up. */
const BOOTS = [1000, 10_000];

const out = path.resolve(options.out);
const configs = path.join(ROOT, 'target/configs');
mkdirSync(configs, { recursive: true });
mkdirSync(path.dirname(out), { recursive: true });
writeFileSync(out, '');

const rows = [];
const server = await serve(configs);
const about = machine();
record({ kind: 'machine', ...about });

const workloads = options.workloads.split(',');
const peers = (await chosenPeers()).filter(isBuilt);
const evaluated = peers.filter(({ onlyBoot }) => !onlyBoot && workloads.some((workload) => workload !== 'W6'));
const booted = peers.filter(({ noBoot }) => !noBoot && workloads.includes('W6'));

await rounds(Number(options.rounds), await configured(evaluated, 0), evaluate);
for (const n of BOOTS)
  await rounds(Number(options['boot-rounds']), await configured(booted, n), (peer) => boot(peer, n));

server.close();
keep();
console.log(tables(rows));
process.exitCode = failures(rows).some(({ ours }) => ours) ? 1 : 0;

function record(row) {
  rows.push(row);
  appendFileSync(out, `${JSON.stringify(row)}\n`);
}

/** Keeps the run as one file: that of its day only if nothing was left out of it. */
function keep() {
  const isWhole = !['npm-only', 'rust-only', 'peers'].some((option) => options[option]) && workloads.length === 8;
  const file = isWhole ? `results/${about.date.slice(0, 10)}.json` : 'target/results.json';
  const kept = path.resolve(options.results ?? path.join(ROOT, file));
  mkdirSync(path.dirname(kept), { recursive: true });
  const versions = Object.fromEntries(rows.flatMap(({ peer, version }) => (version ? [[peer, version]] : [])));
  const lines = rows.slice(1).map((row) => `  ${JSON.stringify(row)}`);
  const head = JSON.stringify({ ...about, versions }, null, 2);
  writeFileSync(kept, `{\n"about": ${head},\n"rows": [\n${lines.join(',\n')}\n]\n}\n`);
  process.stderr.write(`kept in ${path.relative(process.cwd(), kept)}\n`);
}

async function chosenPeers() {
  const npm = options['rust-only'] ? [] : await npmPeers();
  const rust = options['npm-only'] ? [] : rustPeers(path.resolve(options.programs));
  const all = [...npm, ...rust];
  const names = options.peers?.split(',') ?? all.map(({ name }) => name);
  const unknown = names.find((name) => all.every((peer) => peer.name !== name));
  if (unknown) throw new Error(`no peer is named \`${unknown}\`; there are ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => names.includes(name));
}

function isBuilt(peer) {
  const built = !peer.program || existsSync(peer.program);
  if (!built) failed(peer, 'build', 'its program is not there');
  return built;
}

function failed({ name, ours }, step, error) {
  record({ kind: 'error', peer: name, ours, step, error });
}

/** Writes the configurations, and leaves out the peers whose cannot be written. Some peers share one. */
async function configured(list, n) {
  const written = new Map();
  for (const peer of list) {
    const { config } = files(peer, n);
    if (!written.has(config)) written.set(config, (await node(peer, 'gen', { n })).error);
    if (written.get(config)) failed(peer, 'config', written.get(config));
  }
  return list.filter((peer) => !written.get(files(peer, n).config));
}

/** Round by round, so that a minute in which the machine is slow hits every peer and not one. */
async function rounds(count, list, measure) {
  const left = new Set(list);
  for (let round = 1; round <= count; round++) {
    for (const peer of left) {
      await waitForQuiet(Number(options.quiet), Number(options['max-wait']));
      process.stderr.write(`${round}/${count} ${peer.name}\n`);
      const { rows, error } = await measure(peer);
      const { name, ours, base, rust, evaluates } = peer;
      for (const row of rows) record({ ...row, peer: name, ours, base, rust, evaluates });
      if (!error) continue;
      failed(peer, rows.at(-1)?.workload ?? 'start', error);
      left.delete(peer);
    }
  }
}

function evaluate(peer) {
  const times = { warmMs: Number(options['warm-ms']), sampleMs: Number(options['sample-ms']) };
  if (!peer.program) return node(peer, 'eval', { ...times, workloads });
  const { warmMs, sampleMs } = times;
  const asked = ['--workloads', workloads, '--warm-ms', warmMs, '--sample-ms', sampleMs];
  return run(peer.program, ['eval', ...rustArguments(peer, 0), ...asked].map(String), configs);
}

function boot(peer, n) {
  if (!peer.program) return node(peer, 'boot', { n });
  return run(peer.program, ['boot', ...rustArguments(peer, n), '--n', n].map(String), configs);
}

function node(peer, mode, args) {
  const given = { adapter: peer.adapter, peer: peer.config, ...files(peer, args.n), ...args };
  const flags = ['--expose-gc', '--no-warnings', '--max-old-space-size=8192'];
  return run(process.execPath, [...flags, path.join(ROOT, 'child.js'), mode, JSON.stringify(given)], configs);
}

function rustArguments(peer, n) {
  const { config, http } = files(peer, n);
  return ['--peer', peer.name, '--config', config, '--http', http];
}

/** Where the configuration of `n` flags is. */
function files({ config }, n) {
  const file = `${config.replace(/[^a-z0-9]+/gi, '_')}-${n || 'eval'}.json`;
  return { config: path.join(configs, file), http: `${server.url}/${file}` };
}
