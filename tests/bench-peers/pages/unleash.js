import { UnleashClient } from 'unleash-proxy-client';

const client = new UnleashClient({ url: `${location.origin}/unleash`, clientKey: 'client', appName: 'bench' });
client.setContextField('userId', 'user-00001');
await client.start();
performance.mark('decided', { detail: client.isEnabled('w1_0') });
