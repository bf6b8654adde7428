// What had happened before the development server was started.

import { breakerEvent } from './answers.js';

export function past(state, now) {
  const revisions = [
    {
      number: state.revision,
      at: now - 24 * 60_000,
      author: 'anna',
      reason: 'Payments agreed to eight percent',
      origin: 'put',
      digest: state.digest,
    },
    {
      number: state.revision - 1,
      at: now - 3 * 86_400_000,
      author: 'file',
      reason: '',
      origin: 'file',
      digest: '3c9949364f578257',
    },
  ];
  const audit = [
    {
      id: 3,
      at: now - 12 * 60_000,
      actor: 'breaker',
      address: null,
      action: 'tripped',
      flag: 'v2_framework_library',
      revision: null,
      reason: '',
      detail: breakerEvent(state.flags[0], 'tripped', 'breaker', now - 12 * 60_000),
      previous: 'b',
      hash: 'c',
    },
    {
      id: 2,
      at: now - 24 * 60_000,
      actor: 'anna',
      address: '10.0.0.7',
      action: 'publish',
      flag: null,
      revision: state.revision,
      reason: 'Payments agreed to eight percent',
      detail: {},
      previous: 'a',
      hash: 'b',
    },
    {
      id: 1,
      at: now - 7_200_000,
      actor: 'anna',
      address: '10.0.0.7',
      action: 'hold',
      flag: 'payments_sca',
      revision: null,
      reason: 'Bank reports double charges',
      detail: {},
      previous: '',
      hash: 'a',
    },
  ];
  return { revisions, audit };
}
