import { FlcmProvider } from '@flcm/openfeature-web';
import { OpenFeature } from '@openfeature/web-sdk';
import { expect, onTestFinished, test } from 'vitest';
import { local } from '../kit/local.ts';

const DOCUMENT = `
flags:
  recent: { conditions: [{ attribute: joined, operator: after, value: 2026-01-01T00:00:00Z }] }
  mine: { rollout: { percentage: 0 }, overrides: { alice: true } }
`;

/** A date that counts how often it was made text. */
class CountingDate extends Date {
  texts = 0;

  override toISOString(): string {
    this.texts++;
    return super.toISOString();
  }
}

async function begin() {
  const { features } = await local({ document: DOCUMENT });
  await OpenFeature.setProviderAndWait('page', new FlcmProvider(features));
  onTestFinished(() => OpenFeature.clearProviders());
  return OpenFeature.getClient('page');
}

test('a context is converted once, however often is evaluated', async () => {
  const client = await begin();
  const joined = new CountingDate('2026-03-01');
  await OpenFeature.setContext('page', { joined });
  for (let time = 0; time < 100; time++) expect(client.getBooleanValue('recent', false)).toBe(true);
  expect(joined.texts).toBe(1);
  await OpenFeature.setContext('page', { joined, targetingKey: 'alice' });
  expect([client.getBooleanValue('mine', false), client.getBooleanValue('recent', false)]).toEqual([true, true]);
  expect(joined.texts).toBe(2);
});

test('another context is in use at once, without waiting', async () => {
  const client = await begin();
  const changed = OpenFeature.setContext('page', { targetingKey: 'alice' });
  expect([client.getBooleanValue('mine', false), client.providerStatus]).toEqual([true, 'READY']);
  await changed;
});

test('a context that holds the same, but for an item of a list, is another one when it is set', async () => {
  const { features } = await local({
    document: 'flags: { tagged: { conditions: [{ attribute: tags, operator: contains, value: new }] } }',
  });
  await OpenFeature.setProviderAndWait('page', new FlcmProvider(features));
  onTestFinished(() => OpenFeature.clearProviders());
  const client = OpenFeature.getClient('page');
  const tags = ['old'];
  await OpenFeature.setContext('page', { tags });
  expect(client.getBooleanValue('tagged', true)).toBe(false);
  tags.push('new');
  await OpenFeature.setContext('page', { tags });
  expect(client.getBooleanValue('tagged', false)).toBe(true);
});

test('clients of domains with contexts of their own share one provider, and are not mixed up', async () => {
  const { features } = await local({ document: DOCUMENT });
  await OpenFeature.setProviderAndWait(new FlcmProvider(features), { targetingKey: 'bob' });
  onTestFinished(() => OpenFeature.clearProviders());
  await OpenFeature.setContext('hers', { targetingKey: 'alice' });
  const [his, hers] = [OpenFeature.getClient(), OpenFeature.getClient('hers')];
  const both = () => [his.getBooleanValue('mine', false), hers.getBooleanValue('mine', false)];
  expect([both(), both()]).toEqual([
    [false, true],
    [false, true],
  ]);
});
