import { describe, expect, test } from 'vitest';
import { type Crowd, crowd, EVEN, HOSTS, load } from '../kit/crowd.ts';

const SECOND = 1000;
const MINUTE = 60_000;

/** How often flags are asked for in 10 s when nothing is the matter. */
const USUAL = HOSTS / 6;

/** For so long after an outage requests are counted: as long as a host may wait, and one poll more. */
const AFTER = 6 * MINUTE;

/** A crowd that has followed its server for a while. */
async function following(streams: boolean): Promise<Crowd> {
  const following = await crowd({ streams });
  await following.pass(2 * MINUTE);
  return following;
}

const text = ({ peak, mean, ratio }: ReturnType<typeof load>): string =>
  `peak ${peak}, mean ${Math.round(mean)}, ratio ${ratio.toFixed(2)}`;

describe.each([30 * SECOND, 5 * MINUTE, 30 * MINUTE])(`${HOSTS} hosts, whose server was away for %i ms,`, (away) => {
  test.each([
    ['poll', false, false],
    ['poll, and stream that there are new flags,', true, true],
  ])('%s evenly', { timeout: 300_000 }, async (how, streams, isNew) => {
    const hosts = await following(streams);
    await hosts.outage(away);
    if (isNew) await hosts.publish();
    const from = hosts.now;
    await hosts.pass(AFTER);
    // The mean is that of the six minutes after the server's return, in parts of 10 s.
    const flags = load(hosts.asked, from, AFTER, 10 * SECOND);
    const connected = load(hosts.streamed, from, AFTER, 10 * SECOND);
    const both = load([...hosts.asked, ...hosts.streamed], from, AFTER, 10 * SECOND);
    console.log(`${away / SECOND} s away, ${how}: ${text(flags)}; streams: ${text(connected)}; both: ${text(both)}`);
    expect(flags.ratio).toBeLessThanOrEqual(EVEN);
    expect(flags.peak).toBeLessThanOrEqual(EVEN * USUAL);
    // Each connects once, and no more often at a time than all poll.
    expect(connected.peak).toBeLessThanOrEqual(USUAL);
    if (streams) expect(hosts.connected).toBe(HOSTS);
    await hosts.close();
  });
});

test(`${HOSTS} hosts are spread over \`streamSpreadMs\` when something is announced`, {
  timeout: 300_000,
}, async () => {
  const hosts = await following(true);
  await hosts.publish();
  const from = hosts.now;
  await hosts.pass(3 * MINUTE);
  // The mean is that of the second within which they come, in parts of 100 ms.
  const burst = load(hosts.asked, from, SECOND, 100);
  // From then on they poll as before; a host that has come is not to be seen for half an interval.
  const usual = load(hosts.asked, from + SECOND, 3 * MINUTE - SECOND, 10 * SECOND);
  console.log(`announced: ${text(burst)} in 100 ms; then ${text(usual)} in 10 s`);
  expect(burst.mean).toBeGreaterThanOrEqual((0.999 * HOSTS) / 10);
  expect(burst.ratio).toBeLessThanOrEqual(EVEN);
  expect(usual.peak).toBeLessThanOrEqual(EVEN * USUAL);
  await hosts.close();
});

test(`${HOSTS} hosts that begin while the server is away get their flags, and no more than that`, async () => {
  const hosts = await crowd({ streams: false, warm: false });
  await hosts.outage(5 * MINUTE);
  const from = hosts.now;
  await hosts.pass(AFTER);
  const flags = load(hosts.asked, from, AFTER, 10 * SECOND);
  console.log(`300 s away from the start: ${text(flags)}`);
  expect(flags.ratio).toBeLessThanOrEqual(EVEN);
  await hosts.close();
}, 300_000);
