import { type Clock, Deadline } from '../clock.ts';
import { FeatureError } from '../errors.ts';
import { featureError } from '../events.ts';
import { retryAfter, statusText } from './status.ts';

/** What bounds a request. */
export interface Bounds {
  readonly clock: Clock;
  /** For all of it, the body included. */
  readonly timeoutMs: number;
  /** Ends it as well. */
  readonly closing: AbortSignal;
}

/** Makes a request that ends in time, whatever the other side does. */
export async function timed<T>(
  { clock, timeoutMs, closing }: Bounds,
  make: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const request = new AbortController();
  let late = false;
  const alarm = new Deadline(clock, () => {
    late = true;
    request.abort();
  });
  // At once: whoever closes sees no timer wait for an answer that nobody waits for.
  const close = () => {
    alarm.clear();
    request.abort();
  };
  alarm.set(timeoutMs);
  closing.addEventListener('abort', close);
  if (closing.aborted) close();
  try {
    return await make(request.signal);
  } catch (error) {
    if (closing.aborted) throw new FeatureError('CLOSED', 'the flags were closed', { cause: error });
    if (late) throw new FeatureError('TIMEOUT', `no whole answer within ${timeoutMs} ms`, { cause: error });
    throw featureError('FETCH_FAILED', 'no answer', error);
  } finally {
    alarm.clear();
    closing.removeEventListener('abort', close);
  }
}

/** The whole body, unless it is larger than it may be. */
export async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) {
    parts.push(part.value);
    length += part.value.length;
    if (length <= maxBytes) continue;
    await reader?.cancel();
    throw new FeatureError('TOO_LARGE', `the body has more than ${maxBytes} bytes`);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    body.set(part, at);
    at += part.length;
  }
  return body;
}

/** What a status other than 200 means. */
export function statusError(response: Response, url: string, now: number): FeatureError {
  return new FeatureError('HTTP_STATUS', statusText(response, url), { retryAfterMs: retryAfter(response, now) });
}
