// This project's provider, asked through OpenFeature's client: beside the other providers in openfeature.js.
import { flcmDocument } from './flcm.js';

let sdk, FlcmProvider, wasm;

const peer = {
  version: '0.1.0',
  ours: true,
  async: true,
  importPeer: async () => {
    // The SDK that the provider was written against: a second copy would do, but would not be what applications have.
    sdk = await import('@openfeature/server-sdk');
    ({ FlcmProvider } = await import('@flcm/openfeature-server'));
    wasm = await import('@flcm/flags-node/wasm');
  },
  config: (flags, { seg }) => flcmDocument(flags, seg),
  ctx: ({ id, ...attributes }) => ({ targetingKey: id, ...attributes }),
  bool: (client, key, context) => client.getBooleanValue(key, false, context),
  variant: (client, key, context) => client.getStringValue(key, 'off', context),
};

async function load(options) {
  await sdk.OpenFeature.setProviderAndWait(new FlcmProvider(options));
  return sdk.OpenFeature.getClient();
}

export const peers = [
  { ...peer, name: 'openfeature + flcm', load: (document) => load({ document }) },
  {
    ...peer,
    name: 'openfeature + flcm (wasm)',
    noBoot: true,
    load: (document) => load({ document, engine: wasm.engine, compiler: wasm.compiler }),
  },
];
