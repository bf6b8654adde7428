/** What a status means that carries nothing. */

/** What helps. */
const HELP: Readonly<Record<number, string>> = {
  401: ': check `key`',
  403: ': check `key`',
  404: ': check the URL',
  429: ': the server asks for patience',
};

/** An hour: a server that asks for more is wrong, or somebody else. */
const LONGEST_RETRY = 3_600_000;

export function statusText({ status, statusText }: Response, url: string): string {
  return `${url} answered ${status} ${statusText}`.trimEnd() + (HELP[status] ?? '');
}

/** What `Retry-After` asks for: seconds, or a date. */
export function retryAfter({ headers }: Response, now: number): number | undefined {
  const text = headers.get('retry-after');
  if (text === null) return undefined;
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), LONGEST_RETRY) : undefined;
}
