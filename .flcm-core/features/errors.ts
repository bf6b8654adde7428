/** What has gone wrong. Whatever it is: the last known good flags stay in use. */
export type FeatureErrorCode =
  /** An option is missing, or is none. Thrown by `createFeatures`. */
  | 'INVALID_OPTIONS'
  /** The flags were closed. */
  | 'CLOSED'
  /** No answer: no connection, a broken one, or a failing certificate. */
  | 'FETCH_FAILED'
  /** The answer has a status that carries no flags. */
  | 'HTTP_STATUS'
  /** Not all of the answer came in time. */
  | 'TIMEOUT'
  /** The body or the file is larger than `maxBytes`. */
  | 'TOO_LARGE'
  /** The body is something else: a page, most likely. */
  | 'WRONG_TYPE'
  /** Nothing is in the body. */
  | 'EMPTY'
  /** 304, although nothing is in hand that it could speak of. */
  | 'NOT_MODIFIED'
  /** What decides could not be loaded, or has failed. */
  | 'ENGINE_FAILED'
  /** The bytes are no snapshot, or are damaged. */
  | 'INVALID_SNAPSHOT'
  /** The document has errors; the message has them all. */
  | 'INVALID_DOCUMENT'
  /** The revision is lower than the one in use. */
  | 'OLDER_REVISION'
  /** The revision is more than 2^32 above the one in use. */
  | 'REVISION_JUMP'
  /** An older revision is in use, because the source has answered with nothing newer for 24 hours. */
  | 'REVISION_RESET'
  /** The snapshot is not signed. */
  | 'SIGNATURE_MISSING'
  /** What was signed cannot be trusted; the message says why. */
  | 'SIGNATURE_INVALID'
  /** The signature of the flags in use has expired: the source may be held back. */
  | 'SIGNATURE_EXPIRED'
  /** The file cannot be read. */
  | 'FILE_FAILED'
  /** The stream broke, was silent for too long, or sent something that cannot be read. */
  | 'STREAM_FAILED'
  /** The server sent trips that cannot be read. */
  | 'INVALID_TRIPS'
  /** The cache cannot be read or written, or holds something else. */
  | 'CACHE_FAILED'
  /** A context cannot be read: its decisions are the fallback. */
  | 'INVALID_CONTEXT'
  /** A listener, or a function that was given, threw. */
  | 'LISTENER_FAILED'
  /** Counts could not be sent; they are sent again. */
  | 'SINK_FAILED'
  /** Counts were refused for good, and are dropped. */
  | 'SINK_REFUSED'
  /** A notification could not be delivered. */
  | 'NOTIFY_FAILED';

/** Something that has gone wrong, with a stable code. */
export class FeatureError extends Error {
  /** Always this. */
  override readonly name: string = 'FeatureError';
  /** What has gone wrong. */
  readonly code: FeatureErrorCode;
  /** How long the other side wants to be left alone. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: FeatureErrorCode,
    message: string,
    more: { cause?: unknown; retryAfterMs?: number | undefined } = {},
  ) {
    super(message, more);
    this.code = code;
    this.retryAfterMs = more.retryAfterMs;
  }
}
