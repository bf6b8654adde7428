import type { FeatureErrorCode, FeatureEvents } from '@flcm/features';

/** Everything that can be listened to. */
const EVENTS = [
  'change',
  'sync',
  'state',
  'stale',
  'error',
  'rollback',
  'probe',
  'recovered',
  'breaker',
  'fleet',
  'flush',
] as const;

type Listeners = { readonly [K in keyof FeatureEvents]: (event: FeatureEvents[K]) => void };

/** What has happened, in its order. */
export class Diary {
  readonly #events: { event: string; of: unknown }[] = [];
  /** Asks for what has happened, where nobody tells of it. */
  readonly #ask: () => void;

  constructor(ask: () => void = () => {}) {
    this.#ask = ask;
  }

  /** To be given to a host. */
  readonly listeners: Listeners = Object.fromEntries(
    EVENTS.map((event) => [event, (of: unknown) => void this.#events.push({ event, of })]),
  ) as never;

  get events(): { event: string; of: unknown }[] {
    this.#ask();
    return this.#events;
  }

  /** What was said under a name. */
  of(event: (typeof EVENTS)[number]): unknown[] {
    return this.events.filter((entry) => entry.event === event).map(({ of }) => of);
  }

  /** Codes of errors. */
  get codes(): FeatureErrorCode[] {
    return this.of('error').map((error) => (error as { code: FeatureErrorCode }).code);
  }
}
