import { FlcmProvider } from '@flcm/openfeature-server';
import { OpenFeature } from '@openfeature/server-sdk';

const provider = new FlcmProvider({ document: 'flags: { a: { rollout: { percentage: 100 } } }' });
await OpenFeature.setProviderAndWait(provider);
const client = OpenFeature.getClient();
const { value, reason } = await client.getBooleanDetails('a', false, { targetingKey: 'alice' });
const { errorCode } = await client.getBooleanDetails('b', false);
console.log(JSON.stringify({ engine: provider.features.engine, answers: [value, reason, errorCode] }));
await OpenFeature.close();
