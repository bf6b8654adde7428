import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { until } from '../../kit/server.ts';
import { follow } from '../kit/world.ts';

const FLAPS = 10_000;

/** A stream is connected anew within ten seconds. */
const LONG = 10_001;

/** Each flap is a real connection that the server ends; the wait for the next one is stepped over. */
test('after 10,000 flaps there is one connection', async () => {
  const { server, at } = await follow({ stream: true, pollIntervalMs: 0 });
  await until(() => server.streams.size === 1);
  let most = 0;
  let open = 0;
  server.answerStream = (_, response) => {
    most = Math.max(most, ++open);
    response.on('close', () => open--);
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(': beat\n\n');
  };
  for (const stream of server.streams) stream.end();
  let flaps = 0;
  at.features.on('error', () => flaps++);
  while (flaps < FLAPS) {
    // While it connects, the next timer is the one of silence, for which nobody waits here.
    if ((at.clock.next ?? LONG) < LONG) at.clock.ring();
    else await setImmediate();
  }
  server.answerStream = undefined;
  await at.until(() => server.streams.size === 1, 10_000);
  expect(most).toBe(1);
  expect(server.count('/flags/stream')).toBeGreaterThanOrEqual(FLAPS);
  await at.clock.pass(2000);
  expect(server.streams.size).toBe(1);
  expect(server.open.size).toBe(1);
  expect(server.sockets.size).toBeLessThan(10);
  expect(at.isOn('old')).toBe(true);
});
