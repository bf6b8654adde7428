/**
 * When hosts ask a server, so that it sees them evenly. The same rules as in the crate `flcm-flags-host`:
 * `tests/vectors/host` holds both to them. They are not called there, because WebAssembly that does all of it makes a
 * page larger.
 */

/** How far a poll may be from its time, as a share of the interval. */
const JITTER = 0.1;

/** The golden ratio's fraction: its multiples lie as evenly between 0 and 1 as those of any number can. */
const GOLDEN = 0.6180339887498949;

/** A number below 2^53, from one that was drawn between 0 and 1. */
export function numberOf(random: number): number {
  return Math.floor(random * Number.MAX_SAFE_INTEGER);
}

/**
 * A host's phase in the poll interval, from 0 to below 1: far apart for numbers that were drawn, and for those that
 * count hosts.
 */
export function phaseOf(instance: number): number {
  return (instance / 2 ** 53 + (instance % 2 ** 20) * GOLDEN) % 1;
}

/**
 * Milliseconds until this host's next poll: at its phase in the interval, give or take the jitter, and not twice within
 * half an interval.
 */
export function nextPoll(
  intervalMs: number,
  phase: number,
  { wall, random }: { wall: number; random: number },
): number {
  const wait = (1 + phase - (wall % intervalMs) / intervalMs) % 1;
  return Math.floor(intervalMs * ((wait < 0.5 ? 1 : 0) + wait + JITTER * (2 * random - 1)));
}

/**
 * Milliseconds to wait after so many failures in a row: anything up to twice as long each time, so that hosts which
 * failed together do not come back together.
 */
export function backOff(failures: number, firstMs: number, longestMs: number, random: number): number {
  return Math.floor(Math.min(longestMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30)) * random);
}
