import { causedBy, guarded } from '../events.ts';
import type { FeatureError } from '../errors.ts';
import type { FeatureEvents } from '../types.ts';

/** What `on` does. */
export type Listen = <K extends keyof FeatureEvents>(event: K, listener: (event: FeatureEvents[K]) => void) => () => void;

/** Listeners, and what calls them. Like `Events`, in fewer bytes. */
export interface PageEvents {
  readonly on: Listen;
  emit<K extends keyof FeatureEvents>(event: K, of: FeatureEvents[K]): void;
  /** Emits an error: to listeners, or else on the console. */
  fail(error: FeatureError): void;
  /** Emits nothing any more, on the console neither. */
  mute(): void;
}

type Listener = (of: unknown) => void;

export function eventsOf(): PageEvents {
  const listeners = new Map<string, Set<Listener>>();
  /** The last code on the console: a server that is away for a day is reported once. */
  let warned = '';
  let isMute = false;
  const warn = ({ code, message }: FeatureError): void => {
    if (isMute || warned === code) return;
    warned = code;
    console.warn(`FLCM Flags: ${message} (${code})`);
  };
  const emit = (event: string, of: unknown): void => {
    for (const listener of [...(listeners.get(event) ?? [])]) {
      guarded(
        () => listener(of),
        (cause) => {
          const error = causedBy(cause, 'LISTENER_FAILED', `a listener of \`${event}\` threw`);
          // A listener for errors that throws does not receive its own error: there would be no end to it.
          if (event === 'error') warn(error);
          else fail(error);
        },
      );
    }
  };
  const fail = (error: FeatureError): void => (listeners.get('error')?.size ? emit('error', error) : warn(error));
  return {
    on: (event, listener) => {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all);
      // Of its own, so that a listener which is added twice is called twice, and may be taken away once.
      const entry = (of: unknown) => listener(of as never);
      all.add(entry);
      return () => void all.delete(entry);
    },
    emit,
    fail,
    mute: () => {
      isMute = true;
      listeners.clear();
    },
  };
}
