/** Traces of the list of flags. */

export interface TraceEvent {
  readonly name: string;
  /** In microseconds. */
  readonly ts: number;
}

export interface Trace {
  readonly usableMs: number;
  readonly typingMs: readonly number[];
  readonly rows: number;
  readonly scrollRows: number;
  /** What was asked for before the list could be used. */
  readonly requests: readonly { path: string; startMs: number; endMs: number; bytes: number }[];
  readonly traces: Readonly<Record<'start' | 'typing' | 'scrolling', readonly TraceEvent[]>>;
}

export function traceList(options: { url: string; key: string; throttle?: number }): Promise<Trace>;
