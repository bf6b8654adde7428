import { createFeatures } from '@flcm/features/page';

const features = await createFeatures({ url: '/flcm', key: 'client' });
const detail = features.isEnabled('w1_0', 'user-00001', { country: 'DE', age: 40, plan: 'pro' });
performance.mark('decided', { detail });
