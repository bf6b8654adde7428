/** The small runtime of pages with the real server, which knows its key as that of a page. */

import { readFileSync } from 'node:fs';
import { createPageEngine } from '@flcm/flags-web/page';
import { expect, onTestFinished, test } from 'vitest';
import { createFeatures, type PageFeatures } from '../../.flcm-core/features/page.ts';
import { keysFile, mint, Server } from './kit/serve.ts';

const client = mint('page', 'client');
const admin = mint('test', 'admin');
const module = new WebAssembly.Module(readFileSync(new URL('../../pkg/web/dist/flags-page.wasm', import.meta.url)));
const DOCUMENT = `
clients: listed
flags:
  shown: { client: true, rollout: { percentage: 100 } }
  hidden: { rollout: { percentage: 100 } }
`;

async function open(): Promise<{ server: Server; features: PageFeatures; codes: string[] }> {
  const server = await Server.start(DOCUMENT, {
    args: ['--keys', keysFile([client.line, admin.line])],
    key: admin.key,
  });
  const codes: string[] = [];
  const features = await createFeatures(
    { url: server.url, key: client.key, engine: createPageEngine(module) },
    { error: ({ code }) => codes.push(code) },
  );
  onTestFinished(() => features.close());
  return { server, features, codes };
}

test('a page decides the flags that the document allows it, and its counts are added up', async () => {
  const { server, features, codes } = await open();
  const user = features.for({ targetingKey: 'anna' });
  expect([user.isEnabled('shown'), user.isEnabled('hidden')]).toEqual([true, false]);
  expect(
    user.run(
      'shown',
      () => 'new',
      () => 'old',
    ),
  ).toBe('new');
  await features.metrics.flush();
  const figures = await server.figures();
  expect(figures.of('flcm_decisions_total{flag="shown",variant="",reason="TARGETING_MATCH"}')).toBe(2);
  expect(figures.of('flcm_outcomes_total{flag="shown",arm="treatment",outcome="ok"}')).toBe(1);
  expect(codes).toEqual([]);
});

test('a page follows a change and a hold without asking', async () => {
  const { server, features, codes } = await open();
  const on = () => features.isEnabled('shown', 'anna');
  expect(on()).toBe(true);
  await server.command('shown', 'hold');
  await expect.poll(on, { timeout: 2000, interval: 20 }).toBe(false);
  await server.command('shown', 'release');
  await expect.poll(on, { timeout: 2000, interval: 20 }).toBe(true);
  await server.put(DOCUMENT.replace('client: true, rollout: { percentage: 100 }', 'client: true, enabled: false'));
  await expect.poll(on, { timeout: 5000, interval: 20 }).toBe(false);
  expect(codes).toEqual([]);
});
