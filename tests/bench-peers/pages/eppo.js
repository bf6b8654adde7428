// The part that all of Eppo's clients have in common. The client for pages wraps it, and is not in the npm registry.
import { EppoClient, MemoryOnlyConfigurationStore } from '@eppo/js-client-sdk-common';

const client = new EppoClient({
  flagConfigurationStore: new MemoryOnlyConfigurationStore(),
  configurationRequestParameters: {
    apiKey: 'client',
    baseUrl: `${location.origin}/eppo`,
    sdkName: 'bench',
    sdkVersion: '1.0.0',
  },
});
client.setAssignmentLogger({ logAssignment() {} });
await client.fetchFlagConfigurations();
const attributes = { country: 'DE', age: 40, plan: 'pro' };
performance.mark('decided', { detail: client.getBooleanAssignment('w1_0', 'user-00001', attributes, false) });
