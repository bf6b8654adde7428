import { engine } from '@flcm/flags-node';
import { expect, test } from 'vitest';
import { ManualClock, NOW } from '../../kit/clock.ts';
import { local, seeded } from '../../kit/local.ts';
import { compiled } from '../../kit/server.ts';

const DOCUMENT = 'flags: { risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } } }';
const RUNS = 200;

interface Call {
  readonly at: number;
  readonly user: string;
  readonly failed: boolean;
}

/** Calls of a feature that is healthy at first, then fails for a share of its users. */
function callsOf(seed: number): Call[] {
  const chance = seeded(seed);
  const [gap, healthy, share] = [5 + 95 * chance(), 20 * chance(), 0.3 + 0.7 * chance()];
  const calls: Call[] = [];
  let at = 1000 * chance();
  for (let number = 0; number < 600; number++) {
    at += gap * 2 * chance();
    const failed = at > 1000 * healthy && chance() < share;
    calls.push({ at: Math.floor(at), user: `user-${seed}-${number}`, failed });
  }
  return calls;
}

const snapshot = compiled(DOCUMENT);

/**
 * When calls are evidence enough: the end of the second, in milliseconds, with which an engine rolls back that is told of them and asked
 * after every second, the last one's included.
 */
function settled(calls: readonly Call[]): number | undefined {
  const loaded = engine.load(snapshot);
  loaded.breakers.guard('host', NOW);
  const last = (calls.at(-1)?.at ?? 0) + 1000;
  let next = 0;
  let at: number | undefined;
  for (let second = 1000; second <= last && at === undefined; second += 1000) {
    for (; next < calls.length && (calls[next] as Call).at < second; next++) {
      const { at: now, user, failed } = calls[next] as Call;
      const context = loaded.context(user);
      loaded.breakers.outcome(0, context.decide(0, NOW + now), { failed }, NOW + now, context);
    }
    if (loaded.breakers.poll(NOW + second).some(({ event }) => event === 'tripped')) at = second;
  }
  loaded.free();
  return at;
}

/** The call from which on the evidence suffices, whichever of the later ones of its second there would have been. */
function breach(calls: readonly Call[]): Call | undefined {
  const end = settled(calls);
  if (end === undefined) return undefined;
  let found = calls.findLastIndex(({ at }) => at < end);
  while (settled(calls.slice(0, found)) === end) found--;
  return calls[found];
}

/** When a host rolls the flag back. */
async function rollback(calls: readonly Call[]): Promise<number | undefined> {
  const clock = new ManualClock();
  const { features } = await local({ clock, snapshot });
  let at: number | undefined;
  features.on('rollback', () => {
    at = clock.elapsed();
  });
  for (const call of calls) {
    await clock.pass(call.at - clock.elapsed());
    if (at !== undefined) break;
    features.for({ targetingKey: call.user }).run(
      'risky',
      () => {
        if (call.failed) throw new Error('boom');
      },
      () => {},
    );
  }
  await clock.pass(2000);
  await features.close();
  return at;
}

/** From the call from which on the evidence suffices to the event, by the clock: a machine adds what its timers are late by. */
test('a breach is followed by its rollback within a second', async () => {
  const delays: number[] = [];
  for (let seed = 1; seed <= RUNS; seed++) {
    const calls = callsOf(seed);
    const [found, at] = [breach(calls), await rollback(calls)];
    if (found === undefined) {
      expect(at, `seed ${seed}`).toBeUndefined();
      continue;
    }
    expect(at, `seed ${seed}`).toBeDefined();
    delays.push((at as number) - found.at);
  }
  delays.sort((one, other) => one - other);
  const quantile = (share: number) => delays[Math.ceil(share * delays.length) - 1] as number;
  console.log(
    `${delays.length} of ${RUNS} breached; ms to rollback: p50 ${quantile(0.5)}, p99 ${quantile(0.99)}, most ${delays.at(-1)}`,
  );
  expect(delays.length).toBeGreaterThan(RUNS / 2);
  expect(delays[0]).toBeGreaterThanOrEqual(0);
  expect(delays.at(-1)).toBeLessThanOrEqual(1000);
});
