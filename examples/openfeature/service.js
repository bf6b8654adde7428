// A service in Node that asks through OpenFeature: `node examples/openfeature/service.js URL [KEY]`. Says as a line of JSON what it
// serves, whenever that changes. A line `fail SHARE` makes that share of the new checkout's calls fail.

import { createInterface } from 'node:readline';
import { FlcmProvider } from '@flcm/openfeature-server';
import { OpenFeature } from '@openfeature/server-sdk';

const [url, key] = process.argv.slice(2);
const provider = new FlcmProvider({ url, flushIntervalMs: 1000, ...(key && { key }) });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();

let failing = 0;
createInterface({ input: process.stdin }).on('line', (line) => {
  const [word, share] = line.split(' ');
  if (word === 'fail') failing = Number(share);
});
process.stdin.on('end', async () => {
  for (const timer of timers) clearInterval(timer);
  const { features } = provider;
  await OpenFeature.close();
  console.log(JSON.stringify({ decisions: features.metrics.summary('checkout_v2').decisions }));
  process.exit();
});

/** Users buy; how that goes is told, so that the checkout can be rolled back. */
let users = 0;
async function serve() {
  for (let call = 0; call < 10; call++) {
    const context = { targetingKey: `node-${users++}` };
    const isNew = await client.getBooleanValue('checkout_v2', false, context);
    const failed = isNew && Math.random() < failing;
    client.track('flcm.outcome', context, { flag: 'checkout_v2', failed });
  }
}

/** What forty users and a guest see. */
let said = '';
async function say() {
  const contexts = Array.from({ length: 40 }, (_, user) => ({ targetingKey: `user-${user}` }));
  const seen = await Promise.all(contexts.map((context) => client.getBooleanValue('checkout_v2', false, context)));
  const on = seen.filter((isNew) => isNew).length;
  const banner = await client.getStringValue('banner', 'No banner', { targetingKey: 'guest' });
  const line = JSON.stringify({ on, banner });
  if (line !== said) console.log(JSON.stringify({ at: Date.now(), on, banner }));
  said = line;
}

const timers = [setInterval(serve, 25), setInterval(say, 20)];
