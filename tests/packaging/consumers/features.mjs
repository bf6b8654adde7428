import { createFeatures } from '@flcm/features';

const features = await createFeatures({
  document: 'flags: { a: { rollout: { percentage: 100 } }, b: { enabled: false } }',
});
const alice = features.for({ targetingKey: 'alice' });
const answers = [features.isEnabled('a', 'alice'), alice.isEnabled('b'), features.metrics.summary('a').decisions];
console.log(JSON.stringify({ engine: features.engine, answers }));
await features.close();
