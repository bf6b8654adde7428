// One measurement, in a process of its own: node --expose-gc child.js MODE JSON. Started by run.js.
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { measure, now, positive, worth } from './lib/measure.js';
import { bootFlags, evalFlags, expectedShares, hitUsers, mixedUsers, segmentIds, USERS } from './lib/workload.js';

const [, , mode, argument] = process.argv;
const args = JSON.parse(argument);

// What peers print would stand between the results.
for (const method of ['log', 'info', 'debug', 'warn']) console[method] = () => {};

const flags = args.n ? bootFlags(args.n) : evalFlags();
const env = { http: args.http, configFile: args.config, seg: segmentIds(), flags, keys: flags.map(({ key }) => key) };
const { peer, import_ms } = await importPeer();
const base = { peer: peer.name, version: peer.version, import_ms };

if (mode === 'gen') writeFileSync(args.config, peer.config(flags, env));
if (mode === 'eval') await evaluate(await load());
if (mode === 'boot') await boot();
process.exit(0);

function emit(row) {
  process.stdout.write(`@@${JSON.stringify(row)}\n`);
}

async function importPeer() {
  const start = now();
  const { peers } = await import(pathToFileURL(args.adapter));
  const peer = peers.find(({ name }) => name === args.peer);
  await peer.importPeer?.();
  return { peer, import_ms: rounded((now() - start) / 1e6, 1) };
}

function load() {
  return peer.load(readFileSync(args.config, 'utf8'), env);
}

async function evaluate(client) {
  const [mixed, hits] = [mixedUsers(), hitUsers()];
  const expected = expectedShares(mixed);
  const asks = { ...singles(client, mixed.map(peer.ctx), hits.map(peer.ctx)), ...requests(client, mixed) };
  for (const [workload, { ask, isAsync = peer.async, perCall = 1 }] of Object.entries(asks)) {
    if (!args.workloads.includes(workload) || peer.skip?.includes(workload)) continue;
    // The answers are looked at before they are timed: a peer that does not evaluate the rules would be fast.
    const share = await shareOf(ask, perCall);
    const { batches, batch, ...times } = await measure(ask, USERS, { ...args, isAsync });
    for (const name in times) times[name] = rounded(times[name] / perCall, 2);
    const share_ok = Math.abs(share - expected[workload]) < 0.02;
    const about = { share: rounded(share, 4), expect: rounded(expected[workload], 4), share_ok, async: isAsync };
    emit({ kind: 'eval', ...base, workload, ...times, batches, batch, ...about });
  }
}

/** One flag, for contexts that were made before. */
function singles(client, mixed, hits) {
  const asking = (method, key, contexts) => ({ ask: (i) => peer[method](client, key, contexts[i]) });
  return {
    W1: asking('bool', 'w1_0', mixed),
    W2: asking('bool', 'w2_0', mixed),
    W3: asking('variant', 'w3_0', mixed),
    W3h: asking('variant', 'w3_0', hits),
    W4: asking('bool', 'w4_0', mixed),
  };
}

/** A context, and all flags for it: one by one, and by the peer's own call for all of them. */
function requests(client, users) {
  const perCall = flags.length;
  const one = ({ kind, key }, context) =>
    kind === 'W3' ? peer.variant(client, key, context) : peer.bool(client, key, context);
  const plain = (i) => {
    const context = peer.ctx(users[i]);
    let count = 0;
    for (const flag of flags) if (positive(one(flag, context))) count++;
    return count;
  };
  const awaited = async (i) => {
    const context = peer.ctx(users[i]);
    let count = 0;
    for (const flag of flags) if (positive(await one(flag, context))) count++;
    return count;
  };
  const W5 = { ask: peer.async ? awaited : plain, perCall };
  if (!peer.all) return { W5 };
  return { W5, W5all: { ask: (i) => peer.all(client, peer.ctx(users[i]), env), perCall } };
}

async function shareOf(ask, perCall) {
  const calls = perCall === 1 ? USERS : USERS / 10;
  let count = 0;
  for (let i = 0; i < calls; i++) count += worth(await ask(i));
  return count / calls / perCall;
}

/** From the configuration's text to the first answer, and what stays in memory. */
async function boot() {
  const text = readFileSync(args.config, 'utf8');
  const user = hitUsers()[1];
  const before = await memory();
  const start = now();
  const client = await peer.load(text, env);
  const first = await peer.variant(client, flags.at(-1).key, peer.ctx(user));
  const boot_ms = rounded((now() - start) / 1e6, 2);
  const after = await memory();
  const [rss_mb, heap_mb] = ['rss', 'heap'].map((name) => rounded((after[name] - before[name]) / 2 ** 20, 1));
  const config_mb = rounded(statSync(args.config).size / 2 ** 20, 1);
  emit({ kind: 'boot', ...base, n: args.n, boot_ms, config_mb, rss_mb, heap_mb, first: String(first) });
}

async function memory() {
  for (let i = 0; i < 2; i++) {
    for (let j = 0; j < 3; j++) globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heap: heapUsed + external };
}

function rounded(number, digits) {
  return Number(number.toFixed(digits));
}
