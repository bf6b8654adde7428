import type { FleetState } from '@flcm/features';
import { describe, expect, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { codes, ENGINES, local, traffic, updatable } from '../../kit/local.ts';
import { FlagServer, until } from '../../kit/server.ts';

const DOCUMENT = `
flags:
  risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05 } }
  calm: { rollout: { percentage: 100 } }
`;

describe.each(ENGINES)('%s', (_, engine) => {
  const on = ({ features }: { features: { isEnabled(flag: string, user: string): boolean } }) =>
    ['risky', 'calm'].filter((flag) => features.isEnabled(flag, 'alice'));

  test('what the fleet holds back is held back, until it is clear', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    const told: unknown[] = [];
    world.features.on('fleet', ({ trips }) => told.push(trips));
    const { breaker } = world.features;
    breaker.applyFleetState({ risky: { trip: 'off' }, calm: { trip: 'clear' } });
    expect(on(world)).toEqual(['calm']);
    breaker.applyFleetState({ calm: { trip: 'off' } });
    expect(on(world)).toEqual(['risky']);
    breaker.applyFleetState({ risky: { trip: 'clear' }, calm: { trip: 'clear' } });
    expect(on(world)).toEqual(['risky', 'calm']);
    expect(told).toEqual([{ risky: 'off' }, { calm: 'off' }, {}]);
  });

  test('of the fleet, a person and the breaker the strictest counts', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    const { breaker } = world.features;
    breaker.hold('calm');
    breaker.applyFleetState({ calm: { trip: 'capped 50000' } });
    expect(on(world)).toEqual(['risky']);
    breaker.release('calm');
    expect(world.features.explain('calm', 'alice').trip).toBe('capped 50000');
    breaker.applyFleetState({ calm: { trip: 'off' } });
    breaker.hold('calm');
    breaker.applyFleetState({});
    expect(on(world)).toEqual(['risky']);
    breaker.release('calm');
    expect(on(world)).toEqual(['risky', 'calm']);

    breaker.applyFleetState({ risky: { trip: 'probing' } });
    traffic(world, 'risky', { users: 400, failing: 400 });
    await world.clock.pass(2000);
    expect(breaker.state('risky')).toBe('open');
    breaker.applyFleetState({});
    expect(on(world)).toEqual(['calm']);
  });

  test('the fleet clears nothing that this host’s own breaker has opened', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    world.features.breaker.applyFleetState({ risky: { trip: 'off' } });
    world.features.breaker.applyFleetState({ risky: { trip: 'clear' } });
    expect(on(world)).toEqual(['calm']);
  });

  test('a trip of this host gives way to a newer decision of the fleet', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    const { breaker } = world.features;
    breaker.applyFleetState({ risky: { trip: 'clear', generation: 3 } });
    traffic(world, 'risky', { users: 10, failing: 10 });
    await world.clock.pass(2000);
    breaker.applyFleetState({ risky: { trip: 'clear', generation: 3 } });
    expect(on(world)).toEqual(['calm']);
    breaker.applyFleetState({ risky: { trip: 'off', generation: 4 } });
    expect(on(world)).toEqual(['calm']);
    breaker.applyFleetState({ risky: { trip: 'clear', generation: 5 } });
    expect(on(world)).toEqual(['risky', 'calm']);
  });

  test('flags that are not there yet are held back once they come', async () => {
    const world = await updatable(DOCUMENT, engine);
    world.features.breaker.applyFleetState({ later: { trip: 'off' }, calm: { trip: 'off' } });
    expect(world.errors).toEqual([]);
    await world.update(`${DOCUMENT}  later: { rollout: { percentage: 100 } }`);
    expect(world.features.isEnabled('later', 'alice')).toBe(false);
    expect(on(world)).toEqual(['risky']);
    world.features.breaker.applyFleetState({});
    expect(world.features.isEnabled('later', 'alice')).toBe(true);
    expect(on(world)).toEqual(['risky', 'calm']);
  });

  test('a fleet state with an unknown trip is reported, and changes nothing', async () => {
    const world = await local({ ...engine, document: DOCUMENT });
    const odd = { risky: { trip: 'sideways' }, calm: { trip: 'off' } } as unknown as FleetState;
    world.features.breaker.applyFleetState(odd);
    expect(on(world)).toEqual(['risky', 'calm']);
    expect(codes(world.errors)).toEqual(['INVALID_TRIPS']);
  });
});

test('a stream brings what the fleet says, and what is old or odd is no news', async () => {
  const server = await FlagServer.start(DOCUMENT);
  try {
    const clock = new ManualClock();
    const { features, errors } = await local({ clock, url: server.url });
    await until(() => server.streams.size === 1, 'a stream');
    server.trip({ risky: { trip: 'off' } });
    await until(() => !features.isEnabled('risky', 'alice'), 'a trip');
    server.say('trips', { epoch: 1, sequence: 1, flags: {} });
    server.say('trips', { epoch: 0, sequence: 9, flags: {} });
    server.say('trips', { sequence: 9, flags: {} });
    server.say('trips', { epoch: 1, sequence: 9, flags: { risky: null } });
    server.say('trips', 'nonsense');
    await until(() => errors.length === 3, 'three errors');
    expect(new Set(codes(errors))).toEqual(new Set(['INVALID_TRIPS']));
    expect(features.isEnabled('risky', 'alice')).toBe(false);
    server.say('trips', { epoch: 1, sequence: 10, flags: {} });
    await until(() => features.isEnabled('risky', 'alice'), 'clearing');
    await features.close();
  } finally {
    await server.kill();
  }
});
