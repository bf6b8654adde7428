import { getClient, PollingMode, User } from '@configcat/sdk';

const client = getClient('configcat-sdk-1/0000000000000000000000/0000000000000000000000', PollingMode.AutoPoll, {
  baseUrl: `${location.origin}/configcat`,
});
const user = new User('user-00001', undefined, 'DE', { country: 'DE', age: 40, plan: 'pro' });
performance.mark('decided', { detail: await client.getValueAsync('w1_0', false, user) });
