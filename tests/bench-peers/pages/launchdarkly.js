import { createClient } from '@launchdarkly/js-client-sdk';

const server = `${location.origin}/launchdarkly`;
const user = { kind: 'user', key: 'user-00001', country: 'DE', age: 40, plan: 'pro' };
const client = createClient('client', user, { baseUri: server, streamUri: server, eventsUri: server });
await client.start();
performance.mark('decided', { detail: client.variation('w1_0', false) });
