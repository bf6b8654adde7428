import { expect, test } from 'vitest';
import { until } from '../../kit/server.ts';
import { served, world } from '../kit/world.ts';

test('follows a server, its stream and its trips, and tells it what was counted', async () => {
  const server = await served('flags: { a: {}, b: { enabled: false } }');
  const at = await world({ url: server.url, stream: true, metrics: true });
  expect(at.features.remote.state).toBe('fresh');
  expect(at.features.isEnabled('b', 'alice')).toBe(false);
  await until(() => at.diary.of('fleet').length === 1, 'a stream');
  server.publish('flags: { a: {}, b: { rollout: { percentage: 100 } } }');
  await at.until(() => at.features.isEnabled('b', 'alice'));
  await until(() => at.diary.of('change').length === 2);
  expect(at.diary.of('change')[1]).toMatchObject({ flags: ['b'], removed: [] });
  await at.clock.pass(10_000);
  await until(() => server.arrived.length === 1, 'a batch');
  server.trip({ b: { trip: 'off' } });
  await until(() => !at.features.isEnabled('b', 'alice'), 'a trip');
  expect(at.codes).toEqual([]);
  await at.features.close();
  expect(at.clock.waiting).toBe(0);
  await until(() => server.streams.size === 0);
});
