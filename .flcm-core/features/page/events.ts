import type { FeatureError } from '../errors.ts';
import { causedBy, guarded } from '../events.ts';
import type { FeatureEvents } from '../types.ts';

/** What `on` does. */
export type Listen = <K extends keyof FeatureEvents>(
  event: K,
  listener: (event: FeatureEvents[K]) => void,
) => () => void;

/** Listeners, and what calls them. Like `Events`, in fewer bytes. */
export interface PageEvents {
  readonly on: Listen;
  emit<K extends keyof FeatureEvents>(event: K, of: FeatureEvents[K]): unknown;
  /** Emits an error: to listeners, or else on the console. */
  fail(error: FeatureError): unknown;
  /** Emits nothing any more, on the console neither. */
  mute(): void;
}

type Entry = readonly [event: string, listener: (of: never) => void];

export function eventsOf(): PageEvents {
  const entries = new Set<Entry>();
  /** The last code on the console: a server that is away for a day is reported once. */
  let warned: string | undefined = '';
  const warn = ({ code, message }: FeatureError): void => {
    if (warned === undefined || warned === code) return;
    warned = code;
    console.warn(`FLCM Flags: ${message} (${code})`);
  };
  /** Answers whether anybody listens. */
  const emit = (event: string, of: unknown): boolean => {
    const called = [...entries].filter(([name]) => name === event);
    for (const [, listener] of called) {
      guarded(
        () => listener(of as never),
        (cause) => {
          const error = causedBy(cause, 'LISTENER_FAILED', `a listener of \`${event}\` threw`);
          // A listener for errors that throws does not receive its own error: there would be no end to it.
          if (event === 'error') warn(error);
          else fail(error);
        },
      );
    }
    return called.length > 0;
  };
  const fail = (error: FeatureError): unknown => emit('error', error) || warn(error);
  return {
    on: (...entry) => {
      entries.add(entry);
      return () => void entries.delete(entry);
    },
    emit,
    fail,
    mute: () => {
      warned = undefined;
      entries.clear();
    },
  };
}
