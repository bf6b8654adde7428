/** What the page knows: fetched once, then kept by the stream. Pages read signals, and never fetch these things. */

import { batch, computed, signal } from '@preact/signals';
import type { TripState } from '../engine.ts';
import type { BreakerEvent, HostsCount, Live, LiveFlag, Meta, Overview, Session } from './api.ts';
import { Cached, get, type Problem, post, remove, signedOut } from './http.ts';
import { type FlagRow, isOff, rowsOf, waitsForPerson } from './rows.ts';
import { listen, type Stream, type StreamEvent } from './stream.ts';

export const session = signal<Session | undefined>(undefined);
export const meta = signal<Meta | undefined>(undefined);
export const overview = signal<Overview | undefined>(undefined);
export const liveFlags = signal<ReadonlyMap<string, LiveFlag>>(new Map());
/** Flags that no host has asked for within 7 days. */
export const unasked = signal<ReadonlySet<string>>(new Set());
export const hosts = signal<HostsCount | undefined>(undefined);
/** The last event of a breaker, for pages that show one flag. */
export const lastEvent = signal<BreakerEvent | undefined>(undefined);
/** Since when the stream is lost; `undefined` while it is there. */
export const lostSince = signal<number | undefined>(undefined);
export const streaming = signal(false);
/** When something came from the server last. */
export const heardAt = signal(0);
/** The time, once a second: what says "12 s ago" reads it. */
export const now = signal(Date.now());
const MINUTE = 60_000;
/** For what changes with time slowly: ten thousand rows need not be looked at each second for that. */
export const minute = computed(() => Math.floor(now.value / MINUTE) * MINUTE);
/** Whether the server was replaced by one with another API while the page was open. */
export const isOutdated = signal(false);
/** Why the first fetch failed. */
export const failure = signal<Problem | undefined>(undefined);

/** Keys do not change without a revision, so this is made rarely. */
export const rows = computed<readonly FlagRow[]>(() => (overview.value ? rowsOf(overview.value) : []));
export const rowOf = computed(() => new Map(rows.value.map((row) => [row.key, row])));

const order = ['viewer', 'operator', 'publisher', 'admin'];
/** Whether the person may do what needs a role. */
export const may = (role: string): boolean => order.indexOf(session.value?.role ?? '') >= order.indexOf(role);

/** How many flags need a person. */
export const waiting = computed(() => {
  let sum = 0;
  for (const flag of liveFlags.value.values()) sum += waitsForPerson(flag) || flag.unprotected ? 1 : 0;
  return sum;
});

/** The trips by flag, but for those that are clear, as the engine takes them. */
export function tripsNow(): Record<string, TripState> {
  const trips = [...liveFlags.value].map(([key, live]) => [key, isOff(live) ? 'off' : live.trip] as const);
  return Object.fromEntries(trips.filter(([, trip]) => trip !== 'clear'));
}

/** Whether a flag is held back until a person acts. */
export const waitsForPersonOf = (key: string): boolean => waitsForPerson(liveFlags.value.get(key));

const cachedOverview = new Cached<Overview>('/overview');
let stream: Stream | undefined;
let clock = 0;

const askLive = () => get<Live>('/overview/live');

function takeLive(live: Live): void {
  batch(() => {
    liveFlags.value = new Map(Object.entries(live.flags));
    hosts.value = live.hosts;
    unasked.value = new Set(live.unasked);
    heardAt.value = Date.now();
  });
}

const refreshLive = () => askLive().then(takeLive);

/** Both at once: a list without what hosts say would show a flag as rolling out that is rolled back. */
async function refreshFlags(): Promise<void> {
  const [flags, live] = await Promise.all([cachedOverview.get(), askLive()]);
  batch(() => {
    overview.value = flags;
    takeLive(live);
  });
}

async function refreshMeta(): Promise<void> {
  const before = meta.value;
  meta.value = await get<Meta>('/meta');
  if (before && before.contract !== meta.value.contract) isOutdated.value = true;
}

/** The document's revision in use changed. */
const refreshAll = () => Promise.all([refreshFlags(), refreshMeta()]);

function mergeLive(flags: Readonly<Record<string, LiveFlag>>): void {
  const merged = new Map(liveFlags.value);
  for (const [key, flag] of Object.entries(flags)) merged.set(key, flag);
  liveFlags.value = merged;
}

let sequence = 0;
/** Whether what is known was fetched for the stream that opens next: then nothing was missed. */
let isFresh = true;

function onLive(data: { sequence: number; flags: Readonly<Record<string, LiveFlag>> }): void {
  mergeLive(data.flags);
  // A gap: something was missed, such as while the computer slept.
  if (sequence !== 0 && data.sequence > sequence + 1) void refreshLive().catch(() => {});
  sequence = data.sequence;
}

function onOpen(): void {
  streaming.value = true;
  lostSince.value = undefined;
  sequence = 0;
  // Another tab may have had the stream, or none while this one was hidden.
  if (!isFresh) void refreshAll().catch(() => {});
  isFresh = false;
}

function onLost(): void {
  streaming.value = false;
  isFresh = false;
  lostSince.value ??= Date.now();
  // A server that has forgotten the session refuses the stream without a word.
  void get<Session>('/session').catch((problem: Problem) => {
    if (problem.status === 401) signedOut.value = true;
  });
}

function onEvent({ type, data }: StreamEvent): void {
  batch(() => {
    if (type === 'lost') return onLost();
    heardAt.value = Date.now();
    if (type === 'open') onOpen();
    else if (type === 'live') onLive(data as { sequence: number; flags: Record<string, LiveFlag> });
    else if (type === 'hosts') hosts.value = data as HostsCount;
    else if (type === 'breaker') lastEvent.value = data as BreakerEvent;
    else if (type === 'revision') void refreshAll().catch(() => {});
  });
}

/**
 * Fetches what every page needs and listens from then on. All of it is asked for at once, and `index.html` asks even
 * before this script is there.
 */
export async function start(): Promise<void> {
  failure.value = undefined;
  isFresh = true;
  const all = refreshAll().catch((problem: Problem) => {
    failure.value = problem;
  });
  try {
    session.value = await get<Session>('/session');
    signedOut.value = false;
  } catch (error) {
    const problem = error as Problem;
    if (problem.status === 401) signedOut.value = true;
    else failure.value = problem;
    return;
  }
  window.clearInterval(clock);
  clock = window.setInterval(() => {
    now.value = Date.now();
  }, 1000);
  stream?.close();
  stream = listen('/events', onEvent);
  await all;
}

export async function signIn(key: string): Promise<void> {
  await post('/session', { key });
  await start();
}

export async function signOut(): Promise<void> {
  await remove('/session');
  stream?.close();
  batch(() => {
    session.value = undefined;
    signedOut.value = true;
  });
}
