import { type Batch, functionSink } from '@flcm/features';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { type Local, local, seeded, traffic, updatable } from '../../kit/local.ts';
import { FlagServer, until } from '../../kit/server.ts';
import { Fleet, generationIn } from '../kit/fleet.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } }
  calm: { rollout: { percentage: 100 } }
`;

interface World {
  readonly server: FlagServer;
  readonly clock: ManualClock;
  readonly fleet: Fleet;
  /** Lets time pass until something holds, the server at work in between; answers how long that took by the clock. */
  readonly pass: (holds: () => boolean, mostMs?: number) => Promise<number>;
  readonly host: (instance: number) => Promise<Local>;
}

async function world(): Promise<World> {
  const server = await FlagServer.start(DOCUMENT);
  const clock = new ManualClock();
  clock.chance = seeded(3);
  const fleet = new Fleet(server, DOCUMENT, clock.now());
  onTestFinished(() => server.kill());
  const pass = async (holds: () => boolean, mostMs = 30_000): Promise<number> => {
    const start = clock.elapsed();
    while (!holds()) {
      if (clock.elapsed() - start > mostMs) throw new Error(`it did not happen within ${mostMs} ms`);
      await clock.pass(100);
      if (clock.elapsed() % 1000 < 100) fleet.weigh(clock.now());
      // What was sent arrives, and is answered, before time goes on.
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
    return clock.elapsed() - start;
  };
  const host = async (instance: number): Promise<Local> => {
    const made = await local({ clock, url: server.url, instance });
    await until(() => server.streams.size >= 1, 'a stream');
    return made;
  };
  return { server, clock, fleet, pass, host };
}

const isOff = ({ features }: Local): boolean =>
  Array.from({ length: 40 }, (_, user) => features.isEnabled('risky', `other-${user}`)).every((on) => !on);

test('what fails on one host is off on all within ten seconds', async () => {
  const { pass, host, fleet, server } = await world();
  const [a, b] = [await host(1), await host(2)];
  await until(() => server.streams.size === 2, 'two streams');
  expect([isOff(a), isOff(b)]).toEqual([false, false]);
  traffic(a, 'risky', { users: 60, failing: 60 });
  const tookA = await pass(() => isOff(a));
  const tookB = tookA + (await pass(() => isOff(b)));
  console.log(`one host fails: off there after ${tookA} ms, on the other after ${tookB} ms`);
  expect(fleet.events.map(({ event }) => event)).toEqual(['tripped']);
  expect(tookA).toBeLessThanOrEqual(1100);
  expect(tookB).toBeLessThan(10_000);
  expect(b.features.explain('risky', 'other-1').trip).toBe('off');
  expect(b.features.isEnabled('calm', 'other-1')).toBe(true);
  expect([...a.errors, ...b.errors]).toEqual([]);
});

test('what no host could tell alone the fleet does', async () => {
  const { pass, host, fleet, server } = await world();
  const hosts = [await host(1), await host(2), await host(3), await host(4)];
  await until(() => server.streams.size === 4, 'four streams');
  // Four failures each, where a host alone needs six.
  for (const [number, one] of hosts.entries()) {
    let failures = 0;
    for (let user = 0; failures < 4; user++) {
      const context = one.features.for({ targetingKey: `user-${number}-${user}` });
      if (!context.isEnabled('risky')) continue;
      failures++;
      context.record('risky', { failed: true });
    }
  }
  const took = await pass(() => hosts.every(isOff));
  console.log(`four hosts, four failures each: off on all after ${took} ms`);
  expect(hosts.map(({ features }) => features.breaker.state('risky'))).toEqual(hosts.map(() => 'closed'));
  expect(fleet.events.map(({ event }) => event)).toEqual(['tripped']);
  // Failures wait for five seconds at most, and for the end of the server's second.
  expect(took).toBeLessThan(10_000);
});

test('when the fleet is well again, so is every host', async () => {
  const { pass, host, server, clock } = await world();
  const a = await host(1);
  server.trip({ risky: { trip: 'off', generation: 2 } });
  await pass(() => isOff(a));
  server.trip({ risky: { trip: 'clear', generation: 3 } });
  const took = await pass(() => !isOff(a));
  expect(took).toBeLessThan(10_000);
  expect(clock.waiting).toBeGreaterThan(0);
});

test('generations that the fleet tells are those of the batches', async () => {
  const { host, server } = await world();
  const bodies: Buffer[] = [];
  server.answerMetrics = (request, response) => {
    request.on('data', (part) => bodies.push(part));
    server.takeBatch(request, response);
  };
  const a = await host(1);
  let heard: string | undefined;
  a.features.on('fleet', ({ trips }) => {
    heard = trips.calm;
  });
  for (const generation of [1, 300]) {
    // A trip of another flag tells which of them has arrived.
    const said = `capped ${generation}`;
    server.trip({ risky: { trip: 'clear', generation }, calm: { trip: said } });
    await until(() => heard === said, 'a trip');
    traffic(a, 'risky', { users: 10, from: 10 * generation });
    await a.features.metrics.flush();
  }
  expect(bodies.map((body) => generationIn(body, 'risky'))).toEqual([1, 300]);
});

test.each(['before the first flags', 'before its flag', 'and an update follows'])(
  'a generation that was told %s is that of batches as well',
  async (when) => {
    const batches: Batch[] = [];
    const without = DOCUMENT.replace('risky', 'another');
    const sinks = [functionSink((batch) => batches.push(batch))];
    const { features, update, ...rest } = await updatable(when === 'before its flag' ? without : DOCUMENT, { sinks });
    features.breaker.applyFleetState({ risky: { trip: 'clear', generation: 7 } });
    if (when !== 'before the first flags') await update(`${DOCUMENT}  third: {}`);
    traffic({ features, ...rest }, 'risky', { users: 10 });
    await features.metrics.flush();
    expect(generationIn(batches[0]?.bytes ?? new Uint8Array(), 'risky')).toBe(7);
  },
);

test('what the fleet says before there are flags is in force with the first', async () => {
  const server = await FlagServer.start(DOCUMENT);
  onTestFinished(() => server.kill());
  server.trip({ calm: { trip: 'off' }, risky: { trip: 'clear', generation: 9 } });
  server.answer = (_, response) => response.writeHead(503).end();
  const batches: Batch[] = [];
  const sinks = [functionSink((batch) => batches.push(batch))];
  const clock = new ManualClock();
  const { features, ...rest } = await local({ clock, url: server.url, sinks, metrics: false });
  const told: unknown[] = [];
  features.on('fleet', (event) => told.push(event));
  await until(() => server.streams.size === 1, 'a stream');
  await until(() => told.length === 1, 'trips');
  server.answer = undefined;
  await clock.until(() => features.snapshot !== undefined);
  expect(features.isEnabled('calm', 'alice')).toBe(false);
  traffic({ features, ...rest, clock }, 'risky', { users: 10 });
  await features.metrics.flush();
  expect(generationIn(batches[0]?.bytes ?? new Uint8Array(), 'risky')).toBe(9);
});
