/** The user that a person has searched for. Ids of users are in no address, because addresses are kept and sent on. */

import { signal } from '@preact/signals';

export const askedUser = signal('');
