import { GrowthBook } from '@growthbook/growthbook';

const attributes = { id: 'user-00001', country: 'DE', age: 40, plan: 'pro' };
const client = new GrowthBook({ apiHost: `${location.origin}/growthbook`, clientKey: 'client', attributes });
await client.init();
performance.mark('decided', { detail: client.isOn('w1_0') });
