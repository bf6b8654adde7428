import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Fleet, type FleetOptions } from './kit/fleet.ts';
import { Pages } from './kit/hosts.ts';
import { Line } from './kit/line.ts';

const document = (percentage: number): string => `
flags:
  plain: { rollout: { percentage: ${percentage} } }
  risky: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05, recovery: sticky } }
  colour: { default: grey, variants: [{ name: red, weight: 1, value: '#f00' }, { name: blue, weight: 1, value: '#00f' }] }
`;

const pages = new Pages();
beforeAll(() => pages.start());
afterAll(() => pages.close());

/**
 * A fleet whose hosts have all heard of the server. They do not poll while a test runs: what reaches them came by a
 * stream.
 */
async function connected(options: FleetOptions = {}, percentage = 100): Promise<Fleet> {
  const never = { pollIntervalMs: 3_600_000, ...options.options };
  const fleet = await Fleet.start(document(percentage), pages, { ...options, options: never });
  await fleet.all('happens', 'fleet');
  return fleet;
}

/** Fails three times on two hosts each: no host rolls back for that, which takes six in a row, and the fleet needs four. */
async function failThinly(fleet: Fleet): Promise<number> {
  const start = Date.now();
  await Promise.all([fleet.first, fleet.page].map((host) => host.call('fail', 'risky', 3)));
  const took = fleet.say('failures too few for any host: off', start, await fleet.all('reaches', 'risky', 0));
  expect(await fleet.all('breaker', 'risky')).toEqual(['closed', 'closed', 'closed']);
  return took;
}

describe('a change of the document', () => {
  test('reaches every host by its stream, as an edit and as a PUT', async () => {
    const fleet = await connected({}, 0);
    await fleet.reach('an edit of the file, by stream', 'plain', 40, () => fleet.server.edit(document(100)));
    await fleet.reach('a PUT, by stream', 'plain', 0, () => fleet.server.put(document(0)));
  });

  test('reaches every host by polls, without a stream', async () => {
    const fleet = await Fleet.start(document(0), pages, { options: { stream: false, pollIntervalMs: 2000 } });
    await fleet.reach('an edit of the file, by polls of 2 s', 'plain', 40, () => fleet.server.edit(document(100)));
    await fleet.reach('a PUT, by polls of 2 s', 'plain', 0, () => fleet.server.put(document(0)));
    expect((await fleet.server.figures()).of('flcm_streams')).toBe(0);
  });

  test('that has errors changes nothing anywhere', async () => {
    const fleet = await connected();
    fleet.server.edit('flags: { plain: { rollout: { percentage: 101 } } }');
    await expect(fleet.server.put('flags: { plain: 3 }')).rejects.toThrow(/422.*INVALID_DOCUMENT/);
    await expect.poll(async () => (await fleet.server.figures()).of('flcm_documents_refused_total')).toBe(2);
    await fleet.all('sync');
    expect(await fleet.all('on', 'plain')).toEqual([40, 40, 40]);
  });
});

describe('a feature that fails', () => {
  test('on two hosts is off on all three within 10 s', async () => {
    const fleet = await connected();
    const reached = fleet.all('reaches', 'risky', 0);
    const failed = await Promise.all([fleet.first, fleet.page].map((host) => host.call('keepUsing', 'risky', true)));
    const start = Math.min(...failed.map((at) => at ?? Number.NaN));
    expect(fleet.say('a feature that fails for everyone: off', start, await reached)).toBeLessThan(10_000);
    expect((await fleet.server.trip('risky'))?.state).toBe('open');
    // The one that had no failures was told.
    expect(await fleet.second.call('breaker', 'risky')).toBe('closed');
  });

  test('too seldom for any host to see is off on all three within 10 s', async () => {
    const fleet = await connected();
    expect(await failThinly(fleet)).toBeLessThan(10_000);
    const counted = await fleet.agrees('risky');
    expect(counted['flcm_outcomes_total{flag="risky",arm="treatment",outcome="error"}']).toBe(6);
  });

  test('not, which is used a lot, stays on', async () => {
    const fleet = await connected();
    const on = await fleet.all('on', 'risky');
    await fleet.all('keepUsing', 'risky', false);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    expect(await fleet.all('on', 'risky')).toEqual(on);
    expect((await fleet.server.trip('risky'))?.trip).toBe('clear');
  });
});

describe('calls', () => {
  test('are counted by variant, whichever engine decides', async () => {
    const fleet = await connected();
    await fleet.all('use', 'colour', 30);
    await fleet.agrees('colour');
    const figures = await fleet.server.figures();
    const [red = 0, blue = 0] = ['red', 'blue'].map((variant) =>
      figures.of(`flcm_variant_outcomes_total{flag="colour",variant="${variant}",outcome="ok"}`),
    );
    expect([red + blue, red > 0, blue > 0]).toEqual([90, true, true]);
    // Each call was that of another user; the number of users is an estimate.
    for (const [variant, calls] of Object.entries({ red, blue })) {
      const users = figures.of(`flcm_variant_users{flag="colour",variant="${variant}"}`);
      expect(Math.abs(users - calls), variant).toBeLessThanOrEqual(3);
    }
  });
});

describe('a word of a person', () => {
  test.each(['plain', 'risky'])('holds %s on every host, and releases it', async (flag) => {
    const fleet = await connected();
    const [on = 0] = await fleet.all('on', flag);
    expect(on).toBeGreaterThan(0);
    const { server } = fleet;
    await fleet.reach(`${flag} is held`, flag, 0, () => server.command(flag, 'hold'));
    await fleet.reach(`${flag} is released`, flag, on, () => server.command(flag, 'release'));
  });

  test('lets a feature that was rolled back go on, on every host', async () => {
    const fleet = await connected();
    const [on = 0] = await fleet.all('on', 'risky');
    await failThinly(fleet);
    const acknowledge = () => fleet.server.command('risky', 'acknowledge');
    await fleet.reach('a rollback is acknowledged', 'risky', on, acknowledge);
    // Under another generation: what was counted before is no evidence any more.
    await fleet.all('use', 'risky', 20);
    await fleet.all('flush');
    expect(await fleet.server.trip('risky')).toMatchObject({ trip: 'clear', hosts: [] });
  });
});

describe('a server that is killed', () => {
  test('leaves hosts their flags, and goes on with breakers and counts', async () => {
    let line: Line | undefined;
    const between = async (url: string): Promise<string> => {
      line = await Line.to(url);
      return line.url;
    };
    const fleet = await connected({ between, hurried: true, options: { flushIntervalMs: 300, pollIntervalMs: 1000 } });
    const { server } = fleet;
    const told = async () =>
      (await fleet.all('diary')).map((diary) => diary.filter(({ event }) => event === 'fleet').length);
    await failThinly(fleet);
    const before = await server.trip('risky');
    expect(before).toMatchObject({ state: 'open', trip: 'off' });
    await server.command('colour', 'hold');
    await fleet.all('reaches', 'colour', 0);

    for (let kill = 1; kill <= 3; kill++) {
      const heard = await told();
      // The server counts a batch of the second host, which does not hear of it.
      if (line) line.loses = true;
      await fleet.second.call('use', 'plain', 100);
      await fleet.second.call('flush');
      expect(line?.lost).toBeGreaterThanOrEqual(kill);
      // The others send while it dies.
      await fleet.all('use', 'plain', 200 * kill);
      await Promise.all([fleet.all('flush'), server.kill()]);

      await fleet.all('use', 'plain', 50);
      await fleet.all('sync');
      await fleet.all('flush');
      expect(await fleet.all('on', 'plain')).toEqual([40, 40, 40]);
      expect(await fleet.all('on', 'risky')).toEqual([0, 0, 0]);
      expect(await fleet.all('state')).not.toContain('offline');

      if (line) line.loses = false;
      const start = Date.now();
      await server.start();
      console.log(`the server is back after ${Date.now() - start} ms`);
      expect(await server.trip('risky')).toMatchObject({
        state: 'open',
        trip: 'off',
        generation: before?.generation,
      });
      expect(await server.trip('colour')).toMatchObject({ trip: 'off' });
      await fleet.agrees('plain');
      await fleet.agrees('risky');
      expect((await server.figures()).of('flcm_batches_repeated_total')).toBeGreaterThan(0);
      // Once streams are back the server has said it again.
      const times = await Promise.all(
        fleet.hosts.map((host, at) => host.call('happens', 'fleet', (heard[at] ?? 0) + 1, 30_000)),
      );
      fleet.say('streams are back', start, times);
      for (const flag of ['risky', 'colour']) expect(await fleet.all('on', flag)).toEqual([0, 0, 0]);
    }
  });
});

describe('a server that is ended', () => {
  test('lets streams go at once, and one whose database is lost counts hosts anew', async () => {
    const fleet = await connected({ hurried: true, options: { flushIntervalMs: 1_000_000, pollIntervalMs: 1000 } });
    const { server } = fleet;
    await fleet.all('use', 'plain', 100);
    await fleet.agrees('plain');
    const start = Date.now();
    expect(await server.stop()).toBe(0);
    expect(Date.now() - start).toBeLessThan(5000);
    server.lose();
    await server.start();
    expect((await server.figures()).counted('plain')).toEqual({});
    // The second batch of each host is the first one that this server sees.
    await fleet.all('use', 'plain', 30);
    await expect
      .poll(async () => {
        await fleet.all('flush');
        return (await server.figures()).counted('plain');
      })
      .toEqual({
        'flcm_decisions_total{flag="plain",variant="",reason="TARGETING_MATCH"}': 90,
        'flcm_outcomes_total{flag="plain",arm="treatment",outcome="ok"}': 90,
      });
    expect((await server.figures()).of('flcm_batches_refused_gap_total')).toBe(3);
    // Its revisions go on above those of before, so hosts follow it.
    server.edit(document(0));
    await fleet.all('reaches', 'plain', 0);
  });
});

describe('what all hosts have counted', () => {
  test('adds up, the last words of a page included', async () => {
    const fleet = await connected({ options: { flushIntervalMs: 1_000_000 } });
    const hosts = fleet.hosts.map((host, at) => ({ host, users: 100 * (at + 1) }));
    for (const { host, users } of hosts) {
      await host.call('use', 'plain', users, host === fleet.second);
      await host.call('use', 'risky', users);
      await host.call('decide', 'colour', users);
      await host.call('add', 'sold', users);
    }
    const [plain, risky, colour] = [
      await fleet.agrees('plain'),
      await fleet.agrees('risky'),
      await fleet.agrees('colour'),
    ];
    const sum = (of: Record<string, number>, part: string): number =>
      Object.entries(of).reduce((sum, [line, count]) => (line.includes(part) ? sum + count : sum), 0);
    expect(sum(plain, 'flcm_decisions_total')).toBe(600);
    expect(sum(plain, 'outcome="error"')).toBe(200);
    expect(sum(risky, 'flcm_outcomes_total')).toBe(600);
    expect(sum(colour, 'variant="blue"')).toBeGreaterThan(200);
    const figures = await fleet.server.figures();
    expect(figures.of('flcm_custom_total{name="sold"}')).toBe(600);
    expect(figures.of('flcm_duration_seconds_count{flag="plain"}')).toBe(600);
    // A sketch: three times its standard error.
    const users = figures.of('flcm_users{flag="plain"}');
    expect(Math.abs(users / 600 - 1)).toBeLessThan(0.07);
    console.log(`600 users of three hosts were counted as ${users}`);

    await fleet.page.call('decide', 'plain', 7);
    await fleet.page.page.goto(`${pages.origin}/elsewhere`);
    await expect
      .poll(async () => sum((await fleet.server.figures()).counted('plain'), 'flcm_decisions_total'), {
        timeout: 60_000,
      })
      .toBe(607);
  });
});
