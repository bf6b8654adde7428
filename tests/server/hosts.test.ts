import { createFeatures } from '@flcm/features';
import { expect, onTestFinished, test } from 'vitest';
import { Server } from './kit/serve.ts';

test('the server lists a host by the application that it names', async () => {
  const { url } = await Server.start('flags: { plain: { rollout: { percentage: 100 } } }');
  const app = { name: 'shop & co', version: '2.4.1' };
  const features = await createFeatures({ url, app, flushIntervalMs: 50, stream: false });
  onTestFinished(() => features.close());
  expect(features.isEnabled('plain', 'alice')).toBe(true);
  const hosts = async () => (await fetch(`${url}/hosts`)).json();
  const { revision } = await (await fetch(`${url}/overview`)).json();
  const named = { app: 'shop & co', version: '2.4.1', sdk: 'features-js', kind: 'server', revision, inStep: true };
  await expect.poll(hosts, { timeout: 20_000 }).toEqual([expect.objectContaining(named)]);
  const asking = await (await fetch(`${url}/flags/plain/hosts`)).json();
  expect(asking).toEqual([expect.objectContaining({ app: 'shop & co', hosts: 1, pages: 0, decisions24h: 1 })]);
});
