// Many short batches, and the minimum and the median of what they took.

export const now = () => Number(process.hrtime.bigint());
export const positive = (value) => value === true || value === 'A' || value === 'B';

/** How many flags an answer says are on: it is one flag's, or the number of a whole request. */
export const worth = (answer) => (typeof answer === 'number' ? answer : positive(answer) ? 1 : 0);

const BATCH_NS = 1e6;

/** What a batch found: kept, so that no engine can leave the work out. */
export const found = { positive: 0 };

/** Nanoseconds a call of `ask(i)`, for i in rotation below `users`; a promise is awaited, as an application must. */
export async function measure(ask, users, { isAsync, warmMs, sampleMs }) {
  const run = (isAsync ? awaitedBatches : batches)(ask, users);
  const calls = await calibrated(run, warmMs);
  const samples = [];
  const start = now();
  while (now() - start < sampleMs * 1e6 || samples.length < 30) {
    samples.push((await run(calls)) / calls);
    // Timers of the peer get their turn, between batches.
    if (samples.length % 64 === 0) await new Promise(setImmediate);
  }
  return { ...summary(samples), batch: calls };
}

/** Warms up, and finds out how many calls make a batch. */
async function calibrated(run, warmMs) {
  let calls = 16;
  const start = now();
  while (now() - start < warmMs * 1e6) {
    const took = await run(calls);
    if (took < BATCH_NS / 2) calls = Math.min(1 << 20, calls * 2);
    else if (took > BATCH_NS * 2 && calls > 4) calls >>= 1;
    await new Promise(setImmediate);
  }
  return calls;
}

function batches(ask, users) {
  let i = 0;
  return (calls) => {
    let count = 0;
    const start = now();
    for (let call = 0; call < calls; call++) {
      count += worth(ask(i));
      if (++i === users) i = 0;
    }
    const took = now() - start;
    found.positive += count;
    return took;
  };
}

function awaitedBatches(ask, users) {
  let i = 0;
  return async (calls) => {
    let count = 0;
    const start = now();
    for (let call = 0; call < calls; call++) {
      count += worth(await ask(i));
      if (++i === users) i = 0;
    }
    const took = now() - start;
    found.positive += count;
    return took;
  };
}

function summary(samples) {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (share) => Math.round((sorted[Math.floor(share * sorted.length)] ?? 0) * 100) / 100;
  return { ns_min: at(0), ns_median: at(0.5), ns_p90: at(0.9), batches: sorted.length };
}
