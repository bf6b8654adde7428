/** When a stream that broke is connected anew, in milliseconds. The whole runtime and that of pages wait alike. */

import { backOff } from '../schedule.ts';

/** A stream that breaks for one host is connected anew within so long. It may have broken for all of them. */
const SOON = 10_000;

/** Where that fails the server is away, and all hosts come back to it: a crowd of 10,000 as slowly as it polls. */
const FIRST_WAIT = 120_000;
const LONGEST_WAIT = 300_000;

/**
 * Once the server answers a poll a stream waits no longer than that: polls come in a crowd after an outage, and streams
 * are not to double it.
 */
export const ANSWERED = 60_000;

/** The wait after a stream has broken, and before that so many times in a row. `chance` is from 0 to below 1. */
export function waitToConnect(failures: number, chance: number): number {
  return failures ? backOff(failures, FIRST_WAIT, LONGEST_WAIT, chance) : chance * SOON;
}
