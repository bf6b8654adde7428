import { version } from '../lib/paths.js';
import { PLANS_IN, W } from '../lib/workload.js';

let GrowthBookClient;
const common = {
  version: version('@growthbook/growthbook'),
  async importPeer() {
    ({ GrowthBookClient } = await import('@growthbook/growthbook'));
  },
  config(flags, { seg }) {
    const features = {};
    for (const f of flags) {
      if (f.kind === 'W1') features[f.key] = { defaultValue: f.on };
      if (f.kind === 'W2')
        features[f.key] = {
          defaultValue: false,
          rules: [{ force: true, coverage: W.W2_PCT / 100, hashAttribute: 'id' }],
        };
      if (f.kind === 'W3')
        features[f.key] = {
          defaultValue: 'off',
          rules: [
            {
              condition: { country: 'DE', age: { $gt: W.AGE }, plan: { $in: PLANS_IN } },
              key: f.key,
              variations: ['A', 'B'],
              weights: [0.5, 0.5],
              coverage: W.W3_PCT / 100,
              hashAttribute: 'id',
              hashVersion: 2,
              seed: f.key,
            },
          ],
        };
      if (f.kind === 'W4')
        features[f.key] = {
          defaultValue: false,
          rules: [
            { condition: { id: { $inGroup: 'seg' } }, force: true },
            { force: true, coverage: W.W4_PCT / 100, hashAttribute: 'id' },
          ],
        };
    }
    return JSON.stringify({ features, experiments: [], savedGroups: { seg }, dateUpdated: '2024-01-01T00:00:00Z' });
  },
  async load(text) {
    return new GrowthBookClient().initSync({ payload: JSON.parse(text) });
  },
  ctx: (u) => ({ attributes: { id: u.id, country: u.country, age: u.age, plan: u.plan } }),
  bool: (c, k, x) => c.isOn(k, x),
  variant: (c, k, x) => c.getFeatureValue(k, 'off', x),
};
export const peers = [{ ...common, name: 'growthbook' }];
