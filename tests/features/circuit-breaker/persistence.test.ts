import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeaturesOptions } from '@flcm/features';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { codes, ENGINES, type Local, local, traffic, updatable } from '../../kit/local.ts';
import { MemoryStore } from '../../kit/memory.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05 } }
  other: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05 } }
  calm: { rollout: { percentage: 100 } }
`;

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'flcm-breakers-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function trip(world: Local, flag: string): Promise<void> {
  traffic(world, flag, { users: 10, failing: 10 });
  await world.clock.pass(2000);
  expect(world.features.breaker.state(flag)).toBe('open');
}

const on = ({ features }: Local) => ['risky', 'other', 'calm'].filter((flag) => features.isEnabled(flag, 'alice'));

/** Starts anew, a while later. */
async function restart(world: Local, options: FeaturesOptions, laterMs = 1000): Promise<Local> {
  await world.features.close();
  const clock = new ManualClock();
  clock.jump(world.clock.now() - clock.now() + laterMs);
  return local({ ...options, clock });
}

describe.each(ENGINES)('%s', (_, engine) => {
  test.each(['a folder', 'a store of one’s own'])(
    'what was rolled back stays so over a restart, in %s',
    async (where) => {
      const cache = where === 'a folder' ? await folder() : new MemoryStore();
      const options = { ...engine, cache, document: DOCUMENT };
      let world = await local(options);
      await trip(world, 'risky');
      world = await restart(world, options);
      expect(on(world)).toEqual(['other', 'calm']);
      expect(world.features.breaker.state('risky')).toBe('open');
      const events: string[] = [];
      world.features.on('breaker', ({ event }) => events.push(event));
      await world.clock.pass(120_000);
      expect(events).toEqual(['half_opened']);
      world = await restart(world, options);
      expect(world.features.breaker.state('risky')).toBe('half_open');
      expect(world.errors).toEqual([]);
    },
  );

  test('holds, and what the fleet holds back, stay as well', async () => {
    const options = { ...engine, cache: new MemoryStore(), document: DOCUMENT };
    let world = await local(options);
    world.features.breaker.hold('calm');
    world.features.breaker.hold('other');
    world.features.breaker.applyFleetState({ risky: { trip: 'off' } });
    world = await restart(world, options);
    expect(on(world)).toEqual([]);
    expect(world.features.breaker.report('other')?.mode).toBe('held');
    world.features.breaker.release('calm');
    world.features.breaker.release('other');
    world.features.breaker.applyFleetState({});
    expect(on(world)).toEqual(['risky', 'other', 'calm']);
    world = await restart(world, options);
    expect(on(world)).toEqual(['risky', 'other', 'calm']);
  });

  test('a breaker that was kept is there when its flag comes', async () => {
    const cache = new MemoryStore();
    const world = await local({ ...engine, cache, document: DOCUMENT });
    await trip(world, 'risky');
    await world.features.close();
    const next = await updatable('flags: { calm: { rollout: { percentage: 100 } } }', { ...engine, cache });
    await next.update(DOCUMENT);
    expect(next.features.breaker.state('risky')).toBe('open');
    expect(next.features.isEnabled('risky', 'alice')).toBe(false);
  });

  test.each([
    'not a file of ours',
    '',
    'flcm-host-state 2\n',
    'flcm-host-state 1\nheld\n',
    'flcm-host-state 1\nbreaker ***\trisky\n',
    'flcm-host-state 1\nbreaker 0000\trisky\n',
    'flcm-host-state 1\nfleet sideways\trisky\n',
  ])('%s in place of breakers is reported, and ignored', async (text) => {
    const cache = await folder();
    await writeFile(join(cache, 'breakers'), text);
    const world = await local({ ...engine, cache, document: DOCUMENT });
    expect(codes(world.errors)).toEqual(['CACHE_FAILED']);
    expect(on(world)).toEqual(['risky', 'other', 'calm']);
    await trip(world, 'risky');
    await world.features.close();
    const written = await readFile(join(cache, 'breakers'), 'utf8');
    expect(written).toMatch(/^flcm-host-state 1\nbreaker [0-9a-f]{300,}\trisky\n$/);
  });

  test('hosts that share a folder add to what is there', async () => {
    const options = { ...engine, cache: await folder(), document: DOCUMENT };
    const one = await local(options);
    const other = await local(options);
    await trip(one, 'risky');
    one.features.breaker.hold('calm');
    await one.features.close();
    await trip(other, 'other');
    await other.features.close();
    const next = await local(options);
    expect(on(next)).toEqual([]);
    expect((await readdir(options.cache)).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  test('what another host has changed since is not taken back', async () => {
    const options = { ...engine, cache: new MemoryStore(), document: DOCUMENT };
    const one = await local(options);
    await trip(one, 'risky');
    one.features.breaker.hold('calm');
    await one.clock.pass(0);
    const other = await local(options);
    other.features.breaker.acknowledge('risky');
    other.features.breaker.setMode('risky', 'forced_closed');
    other.features.breaker.release('calm');
    await other.features.close();
    await trip(one, 'other');
    await one.features.close();
    const next = await local(options);
    expect(on(next)).toEqual(['risky', 'calm']);
  });

  test('a store that fails is reported, and what was not written is written later', async () => {
    const cache = new MemoryStore();
    const options = { ...engine, cache, document: DOCUMENT };
    let world = await local(options);
    cache.failing = true;
    await trip(world, 'risky');
    expect(codes(world.errors)).toEqual(['CACHE_FAILED']);
    cache.failing = false;
    world.features.breaker.hold('calm');
    world = await restart(world, options);
    expect(on(world)).toEqual(['other']);
  });
});
