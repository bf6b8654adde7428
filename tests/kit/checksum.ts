/** The checksum of snapshots and batches, as `crates/flcm-flags/src/snapshot/index.rs` defines it. */

/** The constants of that file. */
const MULTIPLIER = 0x243f6a8885a308d3n;
const LANES = [0x13198a2e03707345n, 0xa4093822299f31d1n, 0x082efa98ec4e6c89n, 0x452821e638d01377n];

const word = (of: bigint): bigint => BigInt.asUintN(64, of);

function absorb(state: bigint, next: bigint): bigint {
  const product = word((state ^ next) * MULTIPLIER);
  return word(product << 29n) | (product >> 35n);
}

export function checksum(bytes: Buffer): bigint {
  const lanes = [...LANES];
  const blocks = bytes.length - (bytes.length % 32);
  for (let at = 0; at < blocks; at += 8) {
    const lane = (at >> 3) % 4;
    lanes[lane] = absorb(lanes[lane] as bigint, bytes.readBigUInt64LE(at));
  }
  return lanes.reduce((state, lane) => mix(absorb(state, lane)), hashOf(bytes.subarray(blocks)));
}

function hashOf(bytes: Buffer): bigint {
  let state = MULTIPLIER ^ BigInt(bytes.length);
  const words = bytes.length - (bytes.length % 8);
  for (let at = 0; at < words; at += 8) state = absorb(state, bytes.readBigUInt64LE(at));
  state = absorb(state, tail(bytes.subarray(words)));
  return state ^ (state >> 32n);
}

function tail(bytes: Buffer): bigint {
  if (bytes.length < 4) return bytes.reduce((state, byte) => (state << 8n) | BigInt(byte), 0n);
  return BigInt(bytes.readUInt32LE(0)) | (BigInt(bytes.readUInt32LE(bytes.length - 4)) << 32n);
}

export function mix(state: bigint): bigint {
  let mixed = word((state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  mixed = word((mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
  return mixed ^ (mixed >> 31n);
}
