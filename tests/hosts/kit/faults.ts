import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers a request otherwise than with what was published. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

const TYPE = { 'content-type': 'application/vnd.flcm.snapshot', etag: '"new"' };

/** A whole and honest answer, of any bytes. */
export function body(bytes: Uint8Array | string, headers: Record<string, string> = {}): Fault {
  return (_, response) => response.writeHead(200, { ...TYPE, ...headers }).end(bytes);
}

/** A status without flags. */
export function status(code: number, headers: Record<string, string> = {}): Fault {
  return (_, response) => response.writeHead(code, headers).end('no flags here');
}

/** A length that the body does not have; the connection ends behind it. */
export function lengthOff(bytes: Uint8Array, by: number): Fault {
  return (_, { socket }) => {
    socket?.write(`HTTP/1.1 200 OK\r\n${headOf(TYPE)}content-length: ${bytes.length + by}\r\n\r\n`);
    socket?.end(bytes);
  };
}

/** Half of the body, and then the connection is torn. */
export function torn(bytes: Uint8Array): Fault {
  return (_, response) => {
    response.writeHead(200, { ...TYPE, 'content-length': `${bytes.length}` });
    response.write(bytes.subarray(0, bytes.length / 2), () => response.socket?.destroy());
  };
}

/** Chunks of which none says that it is the last. */
export function unended(bytes: Uint8Array): Fault {
  return (_, response) => {
    response.writeHead(200, TYPE);
    response.write(bytes, () => response.socket?.end());
  };
}

/** One bit is another. */
export function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const other = bytes.slice();
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}

/** Nothing is answered. */
export const silence: Fault = () => {};

/** The first words of an answer, and no more. */
export const halfHead: Fault = (_, { socket }) => {
  socket?.write('HTTP/1.1 200 OK\r\ncontent-type: app');
};

/** Half of the body, and no more. */
export function halfBody(bytes: Uint8Array): Fault {
  return (_, response) => {
    response.writeHead(200, { ...TYPE, 'content-length': `${bytes.length}` });
    response.write(bytes.subarray(0, bytes.length / 2));
  };
}

function headOf(headers: Record<string, string>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
}
