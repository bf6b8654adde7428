import { checksum } from './checksum.ts';

/**
 * A snapshot under another revision, with the checksum that belongs to it: what a compiler does not write, but whoever
 * stands between a server and its hosts can.
 */
export function revised(snapshot: Uint8Array, revision: bigint): Uint8Array {
  const bytes = Buffer.from(snapshot);
  bytes.writeBigUInt64LE(revision, 24);
  bytes.writeBigUInt64LE(checksum(bytes.subarray(16)), 8);
  return bytes;
}
