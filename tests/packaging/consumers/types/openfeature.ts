import { createFeatures } from '@flcm/features';
import { FlcmProvider } from '@flcm/openfeature-server';
import { FlcmProvider as FlcmWebProvider } from '@flcm/openfeature-web';
import { MultiProvider, OpenFeature } from '@openfeature/server-sdk';
import { OpenFeature as OpenFeatureOfPage } from '@openfeature/web-sdk';

interface Flags {
  readonly plain: { readonly variant: never; readonly value: boolean };
}

export async function provide(): Promise<void> {
  const features = await createFeatures<Flags>({ url: 'https://flags.example.com' });
  const provider = new FlcmProvider({ file: 'flags.yaml' });
  const providers = [{ provider: new FlcmProvider(features) }, { provider }];
  await OpenFeature.setProviderAndWait(new MultiProvider(providers));
  await OpenFeatureOfPage.setProviderAndWait(new FlcmWebProvider({ documentUrl: '/flags.yaml' }), {
    targetingKey: 'alice',
  });
  // @ts-expect-error: there is no such option
  new FlcmProvider({ fyle: 'flags.yaml' });
  // @ts-expect-error: a provider for servers is none for pages
  OpenFeatureOfPage.setProvider(provider);
  const typed = new FlcmProvider(features).features;
  // @ts-expect-error: no flag is called so
  typed?.isEnabled('plane');
}
