import { type Clock, sleep } from '../clock.ts';
import { causedBy, type Events, featureError, guarded } from '../events.ts';
import { timed } from '../remote-config/request.ts';
import { backOff } from '../schedule.ts';
import type { BreakerEvent } from '../types.ts';

/** A receiver of notifications about breakers. */
export interface NotifyOptions {
  /** Posted to, as JSON: with `format: 'slack'` what Slack and those like it take. */
  readonly url?: string | URL;
  /** @default 'json' */
  readonly format?: 'json' | 'slack';
  /** Signs what is posted, as Standard Webhooks has it: `whsec_` and base64, or any text. */
  readonly secret?: string;
  /** Called with each event, instead of a URL or in addition to it. */
  readonly call?: (event: BreakerEvent) => unknown;
  /** Whether an event is sent. @default those whose `evidence.notable` is 1, as the server's webhooks do */
  readonly when?: (event: BreakerEvent) => boolean;
  /** How often a delivery is tried. @default 5 */
  readonly attempts?: number;
}

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 60_000;
const TIMEOUT = 5000;

/** Deliveries that wait: more than so many, and the oldest is given up. */
const MOST_WAITING = 100;

/** Delivers notifications, and tries again where that fails. */
export class Notifier {
  readonly #options: NotifyOptions;
  readonly #fetch: typeof fetch;
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #waiting = new Map<AbortController, Promise<void>>();
  #closed = false;

  constructor(options: NotifyOptions, doFetch: typeof fetch, clock: Clock, events: Events) {
    this.#options = options;
    this.#fetch = doFetch;
    this.#clock = clock;
    this.#events = events;
  }

  notify(event: BreakerEvent): void {
    const { when = isNotable, call, url } = this.#options;
    guarded(
      () => {
        if (!when(event)) return undefined;
        if (url !== undefined && !this.#closed) this.#deliver(`${url}`, event);
        return call?.(event);
      },
      (error) => this.#events.error(featureError('NOTIFY_FAILED', `\`${event.flag}\`: a notification threw`, error)),
    );
  }

  /** Gives up what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting.keys()) waiting.abort();
    await Promise.all(this.#waiting.values());
  }

  #deliver(url: string, event: BreakerEvent): void {
    const closing = new AbortController();
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MOST_WAITING) oldest?.abort();
    const delivered = this.#attempts(url, event, closing.signal)
      .catch((error) => {
        this.#events.error(causedBy(error, 'NOTIFY_FAILED', `\`${event.flag}\`: ${url} was not notified`));
      })
      .finally(() => this.#waiting.delete(closing));
    this.#waiting.set(closing, delivered);
  }

  async #attempts(url: string, event: BreakerEvent, closing: AbortSignal): Promise<void> {
    const { attempts = 5 } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#post(url, event, closing);
      } catch (error) {
        if (attempt >= attempts || closing.aborted) throw error;
        await sleep(this.#clock, backOff(attempt + 1, FIRST_WAIT, LONGEST_WAIT, this.#clock.random()), closing);
        if (closing.aborted) throw error;
      }
    }
  }

  async #post(url: string, event: BreakerEvent, closing: AbortSignal): Promise<void> {
    const { format = 'json', secret } = this.#options;
    const body = JSON.stringify(format === 'slack' ? { text: event.text } : event);
    const headers: Record<string, string> = { 'content-type': 'application/json' };
    if (secret !== undefined) Object.assign(headers, await signature(secret, event, body, this.#clock.now()));
    await timed({ clock: this.#clock, timeoutMs: TIMEOUT, closing }, async (signal) => {
      const response = await this.#fetch(url, { method: 'POST', headers, body, signal });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`status ${response.status}`);
    });
  }
}

function isNotable({ evidence }: BreakerEvent): boolean {
  return evidence.notable === 1;
}

/**
 * The headers of Standard Webhooks (https://www.standardwebhooks.com): the receiver computes the same over id, time and
 * body. The id is the same for each attempt, so that it can recognise a repetition.
 */
async function signature(
  secret: string,
  event: BreakerEvent,
  body: string,
  now: number,
): Promise<Record<string, string>> {
  const { id } = event.evidence;
  const timestamp = Math.floor(now / 1000);
  const bytes = secret.startsWith('whsec_')
    ? Uint8Array.from(atob(secret.slice(6)), (character) => character.charCodeAt(0))
    : new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  const signed = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(`${id}.${timestamp}.${body}`));
  const text = btoa(String.fromCharCode(...new Uint8Array(signed)));
  return { 'webhook-id': id, 'webhook-timestamp': `${timestamp}`, 'webhook-signature': `v1,${text}` };
}
