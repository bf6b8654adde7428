import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BreakerEvent, NotifyOptions } from '@flcm/features';
import { expect, onTestFinished, test } from 'vitest';
import { ManualClock } from '../../kit/clock.ts';
import { codes, type Local, local, traffic } from '../../kit/local.ts';
import { until } from '../../kit/server.ts';

const SECRET = `whsec_${Buffer.from('twenty-four bytes or so!').toString('base64')}`;

/** What receives webhooks, on loopback. */
class Receiver {
  readonly arrived: { headers: IncomingHttpHeaders; body: string; at: number }[] = [];
  /** What is answered, one after the other; the last one for ever. Nothing for `hang`. */
  statuses: (number | 'hang')[] = [204];
  clock: ManualClock | undefined;
  readonly #server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      this.arrived.push({ headers: request.headers, body, at: this.clock?.elapsed() ?? 0 });
      const status = (this.statuses.length > 1 ? this.statuses.shift() : this.statuses[0]) as number | 'hang';
      if (status !== 'hang') response.writeHead(status).end();
    });
  });

  static async start(): Promise<Receiver> {
    const receiver = new Receiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      receiver.#server.closeAllConnections();
      receiver.#server.close();
    });
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hook`;
  }
}

/** Standard Webhooks, as a receiver checks it. */
function isSigned({ headers, body }: Receiver['arrived'][number], key: Buffer): boolean {
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  return headers['webhook-signature'] === `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
}

/** A host whose flag is rolled back at once. */
async function tripped(
  notify: NotifyOptions,
  flag = 'risky',
  receiver?: Receiver,
  recovery = 'sticky',
): Promise<Local> {
  const clock = new ManualClock();
  if (receiver) receiver.clock = clock;
  const document = JSON.stringify({
    flags: { [flag]: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05, recovery } } },
  });
  const world = await local({ clock, document, notify: [notify] });
  traffic(world, flag, { users: 10, failing: 10 });
  await clock.pass(2000);
  return world;
}

test('a rollback is posted, signed as Standard Webhooks has it', async () => {
  const receiver = await Receiver.start();
  const { clock } = await tripped({ url: receiver.url, secret: SECRET });
  await until(() => receiver.arrived.length === 1, 'a notification');
  const [arrived] = receiver.arrived as [Receiver['arrived'][number]];
  expect(isSigned(arrived, Buffer.from('twenty-four bytes or so!'))).toBe(true);
  expect(isSigned({ ...arrived, body: `${arrived.body} ` }, Buffer.from('twenty-four bytes or so!'))).toBe(false);
  expect(Math.abs(Number(arrived.headers['webhook-timestamp']) - clock.now() / 1000)).toBeLessThan(5);
  expect(arrived.headers['content-type']).toBe('application/json');
  expect(JSON.parse(arrived.body)).toMatchObject({
    flag: 'risky',
    event: 'tripped',
    cause: 'absolute',
    percentAfter: 0,
  });
});

test('a secret may be any text', async () => {
  const receiver = await Receiver.start();
  await tripped({ url: receiver.url, secret: 'any text' });
  await until(() => receiver.arrived.length === 1, 'a notification');
  expect(isSigned(receiver.arrived[0] as Receiver['arrived'][number], Buffer.from('any text'))).toBe(true);
});

test('without a secret nothing is signed', async () => {
  const receiver = await Receiver.start();
  await tripped({ url: receiver.url });
  await until(() => receiver.arrived.length === 1, 'a notification');
  expect(receiver.arrived[0]?.headers).not.toHaveProperty('webhook-signature');
});

test('a flag of any name is told of, and its id has no dot', async () => {
  const receiver = await Receiver.start();
  const { errors } = await tripped({ url: receiver.url, secret: SECRET }, 'schöne.neue 旗');
  await until(() => receiver.arrived.length === 1, 'a notification');
  expect(receiver.arrived[0]?.headers['webhook-id']).toMatch(/^[\w%-]+$/);
  expect(JSON.parse(receiver.arrived[0]?.body ?? '')).toMatchObject({ flag: 'schöne.neue 旗' });
  expect(errors).toEqual([]);
});

test('a delivery that fails is tried again under the same id, later each time', async () => {
  const receiver = await Receiver.start();
  receiver.statuses = [500, 503, 404, 204];
  const { clock, errors } = await tripped({ url: receiver.url, secret: SECRET }, 'risky', receiver);
  await clock.until(() => receiver.arrived.length === 4);
  expect(new Set(receiver.arrived.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
  expect(receiver.arrived.every((arrived) => isSigned(arrived, Buffer.from('twenty-four bytes or so!')))).toBe(true);
  const waits = receiver.arrived.slice(1).map(({ at }, number) => at - (receiver.arrived[number]?.at ?? 0));
  // Half of 2, 4 and 8 s, which chance gives here; time passes in steps while sockets are busy.
  for (const [number, ms] of [1000, 2000, 4000].entries()) expect(waits[number]).toBeGreaterThanOrEqual(ms - 100);
  await clock.pass(100_000);
  expect(receiver.arrived).toHaveLength(4);
  expect(errors).toEqual([]);
});

test('a delivery is given up in the end, and reported', async () => {
  const receiver = await Receiver.start();
  receiver.statuses = [500];
  const { clock, errors } = await tripped({ url: receiver.url, attempts: 3 });
  await clock.until(() => errors.length === 1);
  expect(receiver.arrived).toHaveLength(3);
  expect(codes(errors)).toEqual(['NOTIFY_FAILED']);
  expect(errors[0]?.message).toMatch(/`risky`.*\/hook was not notified: .*status 500/);
});

test('a receiver that does not answer is left in time', async () => {
  const receiver = await Receiver.start();
  receiver.statuses = ['hang'];
  const { clock, errors } = await tripped({ url: receiver.url, attempts: 1 });
  await until(() => receiver.arrived.length === 1, 'a notification');
  await clock.pass(5000);
  await until(() => errors.length === 1, 'an error');
  expect(errors[0]?.message).toMatch(/no whole answer within 5000 ms/);
});

test.each(['hang', 500] as const)('closing gives up what waits for %s', async (status) => {
  const receiver = await Receiver.start();
  receiver.statuses = [status];
  const { features, clock, errors } = await tripped({ url: receiver.url });
  await until(() => receiver.arrived.length > 0, 'a notification');
  await features.close();
  const { length } = receiver.arrived;
  expect(clock.waiting).toBe(0);
  expect(codes(errors)).toEqual(['NOTIFY_FAILED']);
  await clock.pass(600_000);
  expect(receiver.arrived).toHaveLength(length);
});

test('what happens after closing is not told', async () => {
  const receiver = await Receiver.start();
  const world = await local({
    document: 'flags: { risky: { rollout: { percentage: 100 }, error_threshold: { rate: 0.05 } } }',
    notify: [{ url: receiver.url }],
  });
  await world.features.close();
  traffic(world, 'risky', { users: 10, failing: 10 });
  await world.clock.pass(1000);
  traffic(world, 'risky', { users: 1, from: 10 });
  expect(world.features.breaker.state('risky')).toBe('open');
  expect(world.clock.waiting).toBe(0);
});

test('chats are told in a line', async () => {
  const receiver = await Receiver.start();
  await tripped({ url: receiver.url, format: 'slack' });
  await until(() => receiver.arrived.length === 1, 'a notification');
  const body = JSON.parse(receiver.arrived[0]?.body ?? '');
  expect(Object.keys(body)).toEqual(['text']);
  expect(body.text).toMatch(/^`risky` rolled back 100 % → 0 %: 10 of 10 failed/);
});

test('a function is called, and what it throws is reported', async () => {
  const events: BreakerEvent[] = [];
  await tripped({ call: (event) => events.push(event) });
  expect(events.map(({ event }) => event)).toEqual(['tripped']);
  for (const call of [
    () => {
      throw new Error('no pager');
    },
    async () => {
      throw new Error('no pager');
    },
  ]) {
    const { errors, features } = await tripped({ call });
    expect(codes(errors)).toEqual(['NOTIFY_FAILED']);
    expect(errors[0]?.message).toMatch(/no pager/);
    expect(features.breaker.state('risky')).toBe('open');
  }
});

test('who is told of what may be chosen', async () => {
  const events: string[] = [];
  const world = await tripped({
    call: ({ event }) => events.push(event),
    when: ({ event }) => event === 'acknowledged',
  });
  world.features.breaker.acknowledge('risky');
  expect(events).toEqual(['acknowledged']);
  const failing = await tripped({
    call: ({ event }) => events.push(event),
    when: () => {
      throw new Error('no judge');
    },
  });
  expect(codes(failing.errors)).toEqual(['NOTIFY_FAILED']);
});

test('by default everything is told of that moves users', async () => {
  const events: string[] = [];
  const world = await tripped({ call: ({ event }) => events.push(event) }, 'risky', undefined, 'auto');
  await world.clock.pass(120_000);
  world.features.breaker.hold('risky');
  world.features.breaker.hold('risky');
  expect(events).toEqual(['tripped', 'half_opened', 'mode_changed']);
});
