import { FlagdWebProvider } from '@openfeature/flagd-web-provider';
import { OpenFeature } from '@openfeature/web-sdk';

const user = { targetingKey: 'user-00001', country: 'DE', age: 40, plan: 'pro' };
await OpenFeature.setContext(user);
await OpenFeature.setProviderAndWait(new FlagdWebProvider({ host: location.hostname, port: 8013, tls: false }));
performance.mark('decided', { detail: OpenFeature.getClient().getBooleanValue('w1_0', false) });
