import { createFeatures } from '@flcm/features';
import { afterEach, expect, test } from 'vitest';
import { ManualClock } from '../kit/clock.ts';
import { FlagServer, until } from '../kit/server.ts';

let server: FlagServer | undefined;
afterEach(() => server?.kill());

test('follows a server, its stream and its trips, and tells it what was counted', async () => {
  const clock = new ManualClock();
  server = await FlagServer.start('flags: { a: {}, b: { enabled: false } }');
  const features = await createFeatures({ clock, url: server.url });
  const errors: string[] = [];
  features.on('error', (error) => errors.push(`${error.code} ${error.message}`));
  const changes: unknown[] = [];
  features.on('change', (event) => changes.push(event));
  expect(features.remote.state).toBe('fresh');
  expect(features.isEnabled('b', 'alice')).toBe(false);
  await until(() => server?.streams.size === 1, 'a stream');
  server.publish('flags: { a: {}, b: { rollout: { percentage: 100 } } }');
  await clock.until(() => features.isEnabled('b', 'alice'));
  await until(() => changes.length === 1);
  expect(changes).toMatchObject([{ flags: ['b'], removed: [] }]);
  await clock.pass(10_000);
  await until(() => server?.arrived.length === 1, 'a batch');
  server.trip({ b: { trip: 'held off' } });
  await until(() => !features.isEnabled('b', 'alice'), 'a trip');
  expect(errors).toEqual([]);
  await features.close();
  expect(clock.waiting).toBe(0);
  await until(() => server?.streams.size === 0);
});
