import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { expect, onTestFinished, test } from 'vitest';
import { Server } from './kit/serve.ts';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

const document = `
flags:
  shiny: { rollout: { percentage: 50 } }
  guarded: { rollout: { percentage: 50 }, error_threshold: { rate: 0.05 } }
`;

/** A delivery as it arrives. */
interface Delivery {
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** A receiver that accepts everything. */
async function receive(): Promise<{ url: string; deliveries: Delivery[] }> {
  const deliveries: Delivery[] = [];
  const receiver = createServer(async (request, response) => {
    let body = '';
    for await (const part of request.setEncoding('utf8')) body += part;
    deliveries.push({ headers: request.headers as Record<string, string>, body });
    response.end();
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void receiver.close());
  await once(receiver, 'listening');
  return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, deliveries };
}

test('the verifier of Standard Webhooks accepts each delivery, and none that was changed', async () => {
  const { url, deliveries } = await receive();
  const server = await Server.start(document, { args: ['--webhook', url], env: { FLCM_WEBHOOK_SECRET: SECRET } });
  await server.command('shiny', 'hold');
  await server.command('guarded', 'hold');
  await server.put(document.replace('percentage: 50', 'percentage: 60'));
  await expect.poll(() => deliveries.length, { timeout: 30_000 }).toBe(3);
  const webhook = new Webhook(SECRET);
  const events = deliveries.map(({ headers, body }) => webhook.verify(body, headers)) as { type: string }[];
  expect(events.map(({ type }) => type).sort()).toEqual(['flag.held', 'flag.held', 'revision.published']);
  console.log(`standardwebhooks 1.1.1 verified: ${JSON.stringify(events.find(({ type }) => type === 'flag.held'))}`);
  for (const { headers, body } of deliveries) {
    const changed = body.replace('anyone', 'nobody');
    expect(changed).not.toBe(body);
    expect(() => webhook.verify(changed, headers)).toThrow('No matching signature');
    expect(() => new Webhook('whsec_AAAA').verify(body, headers)).toThrow('No matching signature');
    expect(() => webhook.verify(body, { ...headers, 'webhook-id': 'another' })).toThrow('No matching signature');
    const old = { ...headers, 'webhook-timestamp': String(Number(headers['webhook-timestamp']) - 3600) };
    expect(() => webhook.verify(body, old)).toThrow('too old');
  }
});
