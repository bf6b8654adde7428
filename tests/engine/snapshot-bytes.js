// Snapshots as bytes, to damage them on purpose.

/** The checksum of a snapshot, as `crates/flcm-flags/src/snapshot/index.rs` computes it. */
const WORD = (1n << 64n) - 1n;
const LANES = [0x13198a2e03707345n, 0xa4093822299f31d1n, 0x082efa98ec4e6c89n, 0x452821e638d01377n];
const MULTIPLIER = 0x243f6a8885a308d3n;

function absorb(state, word) {
  const product = ((state ^ word) * MULTIPLIER) & WORD;
  return ((product << 29n) | (product >> 35n)) & WORD;
}

function mix(number) {
  let z = number;
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & WORD;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & WORD;
  return z ^ (z >> 31n);
}

function lookupHash(bytes) {
  const whole = bytes.length & ~7;
  let state = MULTIPLIER ^ BigInt(bytes.length);
  for (let at = 0; at < whole; at += 8) state = absorb(state, bytes.readBigUInt64LE(at));
  const rest = bytes.subarray(whole);
  const tail =
    rest.length >= 4
      ? BigInt(rest.readUInt32LE(0)) | (BigInt(rest.readUInt32LE(rest.length - 4)) << 32n)
      : rest.reduce((word, byte) => (word << 8n) | BigInt(byte), 0n);
  state = absorb(state, tail);
  return state ^ (state >> 32n);
}

export function checksum(bytes) {
  const whole = bytes.length & ~31;
  const lanes = [...LANES];
  for (let at = 0; at < whole; at += 8) {
    const lane = (at >> 3) & 3;
    lanes[lane] = absorb(lanes[lane], bytes.readBigUInt64LE(at));
  }
  return lanes.reduce((state, lane) => mix(absorb(state, lane)), lookupHash(bytes.subarray(whole)));
}

/** Writes the checksum that the bytes should have. */
export function mend(bytes) {
  bytes.writeBigUInt64LE(checksum(bytes.subarray(16)), 8);
  return bytes;
}

/** Where the fields lie that tests change, as `crates/flcm-flags/src/snapshot/wire.rs` lays them out. */
const FIELDS = {
  flag: { section: 8, level: 31 },
  rule: { section: 9, conditions: 16, conditionCount: 20 },
  node: { section: 10, kind: 0, subject: 2, operand: 6, extra: 10 },
  cohort: { section: 19, closure: 37, closureCount: 41 },
};

/** The records of a kind: how many there are, and where a field of one lies. */
export function records(bytes, kind) {
  const { section, ...fields } = FIELDS[kind];
  for (let at = 32; at < 32 + 12 * bytes.readUInt16LE(18); at += 12) {
    if (bytes.readUInt16LE(at) !== section) continue;
    const [size, start, count] = [bytes.readUInt16LE(at + 2), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
    return { count, at: (index, field) => start + index * size + fields[field] };
  }
  throw new Error(`the snapshot has no section ${section}`);
}
