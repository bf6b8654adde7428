// A banner that changes while the document is edited.

import { createFeatures } from '@flcm/features';

const features = await createFeatures(
  { documentUrl: 'flags.yaml', pollIntervalMs: 1000 },
  { error: ({ message }) => show('problem', message) },
);
const alice = features.for({ targetingKey: 'alice' });

function show(id, text) {
  document.getElementById(id).textContent = text;
}

function draw() {
  show('banner', alice.value('banner', 'No banner'));
  const { reason, snapshot } = alice.explain('banner');
  show('why', `${reason}, snapshot ${snapshot ?? 'none'}`);
}

draw();
features.on('change', draw);
features.on('sync', () => show('problem', ''));
features.on('state', ({ to }) => show('state', to));
show('state', features.remote.state);
