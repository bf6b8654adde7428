import { initialize } from 'launchdarkly-js-client-sdk';

const server = `${location.origin}/launchdarkly`;
const user = { kind: 'user', key: 'user-00001', country: 'DE', age: 40, plan: 'pro' };
const client = initialize('client', user, { baseUrl: server, streamUrl: server, eventsUrl: server });
await client.waitForInitialization(5);
performance.mark('decided', { detail: client.variation('w1_0', false) });
