/**
 * One stream of events for all tabs. HTTP/1.1 has six connections for a host, so a stream in each tab would soon take
 * them all. The tab that holds the lock has the stream, and passes on what it receives. Without a secure context there
 * are no locks: then each visible tab has its own, and hidden ones close theirs.
 */

export interface StreamEvent {
  readonly type: string;
  readonly data: unknown;
}

export interface Stream {
  close(): void;
}

const KINDS = ['revision', 'breaker', 'live', 'hosts'];
const LOCK = 'flcm-events';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Waits longer after each failure, and not all tabs of all people for the same time. */
function waitAfter(failures: number): number {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures) * (0.5 + Math.random() / 2);
}

/** An `EventSource` that comes again by itself, also where the browser gives up. */
function connect(path: string, onEvent: (event: StreamEvent) => void): Stream {
  let source: EventSource | undefined;
  let timer = 0;
  let failures = 0;
  const open = () => {
    source = new EventSource(path);
    source.onopen = () => {
      failures = 0;
      onEvent({ type: 'open', data: null });
    };
    source.onerror = () => {
      source?.close();
      onEvent({ type: 'lost', data: null });
      timer = window.setTimeout(open, waitAfter(failures));
      failures += 1;
    };
    for (const kind of KINDS) {
      source.addEventListener(kind, ({ data }) => onEvent({ type: kind, data: JSON.parse(data) }));
    }
  };
  open();
  return {
    close() {
      window.clearTimeout(timer);
      source?.close();
    },
  };
}

/** Whether this tab has the stream or another one has. */
function share(path: string, onEvent: (event: StreamEvent) => void): Stream {
  const channel = new BroadcastChannel(LOCK);
  const leave = new AbortController();
  let own: Stream | undefined;
  // Whether the stream is open or lost, as far as this tab knows.
  let last: StreamEvent | undefined;
  const take = (event: StreamEvent) => {
    if (event.type === 'open' || event.type === 'lost') last = event;
    onEvent(event);
  };
  channel.onmessage = ({ data }) => {
    if (data === 'who') {
      if (own && last) channel.postMessage({ ...last, isAnswer: true });
    } else if (!data.isAnswer || !last) take(data);
  };
  channel.postMessage('who');
  navigator.locks
    .request(LOCK, { signal: leave.signal }, () => {
      own = connect(path, (event) => {
        channel.postMessage(event);
        take(event);
      });
      return new Promise<void>((resolve) => leave.signal.addEventListener('abort', () => resolve()));
    })
    .catch(() => {});
  return {
    close() {
      own?.close();
      leave.abort();
      channel.close();
    },
  };
}

function whileVisible(path: string, onEvent: (event: StreamEvent) => void): Stream {
  let own: Stream | undefined;
  const turn = () => {
    if (document.hidden) {
      own?.close();
      own = undefined;
    } else own ??= connect(path, onEvent);
  };
  document.addEventListener('visibilitychange', turn);
  turn();
  return {
    close() {
      document.removeEventListener('visibilitychange', turn);
      own?.close();
    },
  };
}

/** Begins to listen. `open` and `lost` say how the stream is. */
export function listen(path: string, onEvent: (event: StreamEvent) => void): Stream {
  return navigator.locks && window.isSecureContext ? share(path, onEvent) : whileVisible(path, onEvent);
}
