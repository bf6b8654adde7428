import { HOST } from './which.ts';

/** How a crowd is made. */
export interface CrowdOptions {
  readonly hosts: number;
  /** Whether each has a stream. */
  readonly streams: boolean;
  /** Whether each has flags from the start, as from a cache. */
  readonly warm?: boolean;
}

/** Hosts that follow one server, on one clock that is as fast as the machine; they began at any time of a minute. */
export interface Crowd {
  /** When flags were asked for. */
  readonly asked: readonly number[];
  /** When streams were asked for. */
  readonly streamed: readonly number[];
  /** How many streams stand. */
  readonly connected: number;
  readonly now: number;
  pass(ms: number): Promise<void>;
  /** Takes the server away for so long, and its streams with it. */
  outage(ms: number): Promise<void>;
  /** Something new, which streams announce at this moment. */
  publish(): Promise<void>;
  close(): Promise<void>;
}

/** How many hosts a crowd has: those in Rust have real sockets, and so a machine bears fewer. */
export const HOSTS: number = HOST === 'rust' ? 2000 : 10_000;

/** How far the peak may be above the mean: fewer are less even by chance alone. */
export const EVEN: number = HOST === 'rust' ? 1.6 : 1.5;

/** Hosts of the language that is tested. */
export async function crowd(options: Omit<CrowdOptions, 'hosts'>): Promise<Crowd> {
  const given = { hosts: HOSTS, ...options };
  if (HOST === 'rust') return (await import('./crowd/rust.ts')).RustCrowd.start(given);
  return new (await import('./crowd/typescript.ts')).TypeScriptCrowd(given);
}

/** How often something happened, by parts of a span: peak, mean, and their ratio. */
export function load(
  times: readonly number[],
  from: number,
  spanMs: number,
  partMs: number,
): { peak: number; mean: number; ratio: number; parts: number[] } {
  const parts = Array.from({ length: Math.ceil(spanMs / partMs) }, () => 0);
  for (const time of times) {
    const part = Math.floor((time - from) / partMs);
    if (time >= from && part < parts.length) parts[part] = (parts[part] ?? 0) + 1;
  }
  const peak = Math.max(...parts);
  const mean = parts.reduce((sum, part) => sum + part) / parts.length;
  return { peak, mean, ratio: peak / mean, parts };
}
