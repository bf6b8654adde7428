// What the runtime takes, over a real server on loopback: from an answer to the first new decision, fetching, rolling back,
// summing up. Figures, and nothing asserted: `just bench runtime`.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createFeatures } from '@flcm/features';
import { compiler } from '@flcm/flags-node';

const FLAGS = 10_000;
const at = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const ms = (value) => `${value.toFixed(2)} ms`;

function say(what, values, aim) {
  const sorted = Float64Array.from(values).sort();
  const [least, median, p99] = [sorted[0], at(sorted, 0.5), at(sorted, 0.99)].map(ms);
  console.log(`${what.padEnd(58)} least ${least}, median ${median}, p99 ${p99}; aim ${aim}`);
}

/** A document of many flags, in a revision. */
function snapshotOf(revision) {
  const conditions = [{ attribute: 'country', operator: '==', value: 'DE' }];
  const flag = (at) => ({ conditions, rollout: { percentage: (at + revision) % 100 } });
  const flags = Object.fromEntries(Array.from({ length: FLAGS }, (_, at) => [`flag_${at}`, flag(at)]));
  flags.last = { rollout: { percentage: revision % 2 ? 100 : 0 } };
  return compiler.compile(JSON.stringify({ revision, flags })).snapshot;
}

const bodies = [1, 2].map(snapshotOf);
let served = 0;
const server = createServer((_, response) => {
  response.setHeader('content-type', 'application/vnd.flcm.snapshot').end(bodies[served % bodies.length]);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const documentUrl = `http://127.0.0.1:${server.address().port}/flags`;

async function updates() {
  const [whole, applied, pauses, quiet] = [[], [], [], []];
  let arrived = 0;
  const timed = async (...request) => {
    const { status, headers, url, body } = await fetch(...request);
    const reader = body.getReader();
    const read = async () => {
      const part = await reader.read();
      if (part.done) arrived = performance.now();
      return part;
    };
    return { status, headers, url, body: { getReader: () => ({ read, cancel: () => reader.cancel() }) } };
  };
  for (let round = 0; round < 60; round++) {
    served = 0;
    const features = await createFeatures({ documentUrl, fetch: timed, pollIntervalMs: 0 });
    features.on('change', () => {});
    const before = features.isEnabled('last', 'alice');
    served = 1;
    quiet.push(await longestPause(async () => {}));
    let [start, end, after] = [0, 0, before];
    const update = async () => {
      start = performance.now();
      await features.remote.sync();
      after = features.isEnabled('last', 'alice');
      end = performance.now();
    };
    pauses.push(await longestPause(update));
    if (before === after) throw new Error('the update is not in use');
    whole.push(end - start);
    applied.push(end - arrived);
    await features.close();
  }
  say(`update of ${FLAGS} flags, from the last byte to a new decision`, applied.slice(10), '5 ms');
  say('  the same, the request included', whole.slice(10), '50 ms');
  say('  the longest pause of the event loop meanwhile', pauses.slice(10), '2 ms');
  say('  the longest pause of the event loop while nothing is done', quiet.slice(10), 'none');
}

/** The longest time for which the event loop did not turn while something was done, and 60 ms more. */
async function longestPause(act) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await act();
  await new Promise((resolve) => setTimeout(resolve, 60));
  delay.disable();
  // The timer of the monitor itself comes every millisecond.
  return Math.max(0, delay.max / 1e6 - 1);
}

async function rollbacks() {
  const document = 'flags: { new: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';
  const took = [];
  for (let round = 0; round < 12; round++) {
    const features = await createFeatures({ document });
    const rolledBack = new Promise((resolve) => features.on('rollback', () => resolve(performance.now())));
    const start = performance.now();
    // Everything fails from the first call on: 1,000 users in each twentieth of a second.
    let user = 0;
    const timer = setInterval(() => {
      for (let call = 0; call < 50; call++) {
        const asked = features.for({ targetingKey: `user-${round}-${user++}` });
        asked.run(
          'new',
          () => {
            throw new Error('broken');
          },
          () => {},
        );
      }
    }, 50);
    took.push((await rolledBack) - start);
    clearInterval(timer);
    await features.close();
  }
  say('from the first failing call to the rollback, 1,000 calls a second', took, '1000 ms');
}

async function summaries() {
  const features = await createFeatures({ document: 'flags: { a: { rollout: { percentage: 50 } } }' });
  for (let user = 0; user < 10_000; user++) {
    const asked = features.for({ targetingKey: `user-${user}` });
    for (let call = 0; call < 100; call++) asked.record('a', { failed: call % 50 === 0, durationMs: call });
  }
  const took = Array.from({ length: 200 }, () => {
    const start = performance.now();
    features.metrics.summary('a');
    return performance.now() - start;
  });
  const { decisions, total, controlTotal } = features.metrics.summary('a');
  say(`summary over ${decisions} decisions and ${total + controlTotal} outcomes`, took, '1 ms');
  await features.close();
}

await updates();
await rollbacks();
await summaries();
server.close();
