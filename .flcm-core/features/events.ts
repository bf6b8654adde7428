import { FeatureError } from './errors.ts';
import type { FeatureEvents } from './types.ts';

type Listener<E> = (event: E) => void;

/** Listeners by the event that they wait for. What one throws is reported, and keeps nothing else from happening. */
export class Events {
  readonly #listeners = new Map<keyof FeatureEvents, Set<Listener<never>>>();
  /** The last message on the console: a source that is away for a day is reported once. */
  #warned = '';
  #closed = false;

  on<K extends keyof FeatureEvents>(event: K, listener: Listener<FeatureEvents[K]>): () => void {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // Of its own, so that a listener which is added twice is called twice, and may be taken away once.
    const entry: Listener<FeatureEvents[K]> = (of) => listener(of);
    listeners.add(entry);
    return () => {
      listeners.delete(entry);
    };
  }

  has(event: keyof FeatureEvents): boolean {
    return (this.#listeners.get(event)?.size ?? 0) > 0;
  }

  emit<K extends keyof FeatureEvents>(event: K, of: FeatureEvents[K]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) {
      guarded(
        () => (listener as Listener<FeatureEvents[K]>)(of),
        (error) => this.#threw(event, error),
      );
    }
  }

  /** Emits an error: to listeners, or else on the console. */
  error(error: FeatureError): void {
    if (this.has('error')) {
      this.emit('error', error);
    } else if (!this.#closed && this.#warned !== error.code) {
      this.#warned = error.code;
      console.warn(`FLCM Flags: ${error.message} (${error.code})`);
    }
  }

  /** Emits nothing any more, on the console neither. */
  close(): void {
    this.#closed = true;
    this.#listeners.clear();
  }

  #threw(event: string, cause: unknown): void {
    const error = causedBy(cause, 'LISTENER_FAILED', `a listener of \`${event}\` threw`);
    // A listener for errors that throws does not receive its own error: there would be no end to it.
    if (event === 'error') console.warn(`FLCM Flags: ${error.message}`);
    else this.error(error);
  }
}

/** Calls a function of the application; what it throws, now or later, goes to `caught`. */
export function guarded(call: () => unknown, caught: (error: unknown) => void): void {
  try {
    const answer = call();
    if (answer instanceof Promise) answer.catch(caught);
  } catch (error) {
    caught(error);
  }
}

/** The message of an error, whatever it is that was thrown. */
export function messageOf(error: unknown): string {
  try {
    if (!(error instanceof Error)) return String(error);
    const { cause } = error;
    // `fetch failed` explains nothing, its cause does.
    return cause instanceof Error && cause.message !== '' ? `${error.message}: ${cause.message}` : error.message;
  } catch {
    // Not everything can be made text.
    return 'an unknown error';
  }
}

/** An error as one with a code. */
export function featureError(code: FeatureError['code'], message: string, cause: unknown): FeatureError {
  if (cause instanceof FeatureError) return cause;
  return causedBy(cause, code, message);
}

/** An error with a code, whatever has caused it. */
export function causedBy(cause: unknown, code: FeatureError['code'], message: string): FeatureError {
  return new FeatureError(code, `${message}: ${messageOf(cause)}`, { cause });
}
