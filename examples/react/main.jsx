// A shop that changes while its flags do, by OpenFeature's own hooks. `?server=URL` follows a server of flags in place of the document;
// `&key=KEY` is what it asks for.

import { FlcmProvider } from '@flcm/openfeature-web';
import { OpenFeature, OpenFeatureProvider, useBooleanFlagValue, useFlag, useTrack } from '@openfeature/react-sdk';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const [server, key] = [query.get('server'), query.get('key')];
const source = server
  ? { url: server, ...(key && { key }), flushIntervalMs: 1000 }
  : { documentUrl: 'flags.yaml', pollIntervalMs: 1000 };

// Waits two seconds at most: without flags the fallbacks are drawn, and the flags as soon as they come.
await OpenFeature.setProviderAndWait(new FlcmProvider(source), { targetingKey: 'alice' }).catch(console.warn);

function Banner() {
  const { value, reason } = useFlag('banner', 'No banner');
  return (
    <>
      <h1>{value}</h1>
      <p>Because of {reason}.</p>
    </>
  );
}

function Checkout() {
  const isNew = useBooleanFlagValue('checkout_v2', false);
  const { track } = useTrack();
  const [bought, setBought] = useState(0);
  const buy = () => {
    setBought(bought + 1);
    track('flcm.outcome', { flag: 'checkout_v2', failed: false });
  };
  return (
    <p>
      <button type="button" id="buy" onClick={buy}>
        {isNew ? 'Buy with one click' : 'To the checkout'}
      </button>{' '}
      Bought: {bought}
    </p>
  );
}

function User() {
  const change = ({ target }) => OpenFeature.setContext({ targetingKey: target.value });
  return (
    <label>
      You are{' '}
      <select id="user" onChange={change}>
        <option>alice</option>
        <option>bob</option>
      </select>
    </label>
  );
}

createRoot(document.querySelector('#root')).render(
  <OpenFeatureProvider>
    <Banner />
    <Checkout />
    <User />
  </OpenFeatureProvider>,
);
