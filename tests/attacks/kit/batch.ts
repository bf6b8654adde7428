import { checksum, mix } from '../../kit/checksum.ts';

/** The counts of one arm: total, errors, slow, missing. */
export type Sample = readonly [total: number, errors: number, slow: number, missing: number];

/** A flag in a batch. The format is described in `crates/flcm-flags/src/metrics/batch.rs`. */
export interface CountedFlag {
  readonly key: string;
  readonly generation?: number;
  /** What breakers may weigh. */
  readonly evidence?: { readonly treatment?: Sample; readonly control?: Sample };
  /** Decisions by variant and number of the reason. */
  readonly tallies?: readonly (readonly [variant: string, reason: number, count: number])[];
  /** Registers of distinct users outside of the comparison: how many are skipped, and the value. */
  readonly users?: readonly (readonly [skipped: number, value: number])[];
}

/** What anyone can write who has read the format. */
export interface ForgedBatch {
  readonly instance: bigint;
  readonly epoch?: bigint;
  readonly sequence?: bigint;
  readonly flags?: readonly CountedFlag[];
  /** Counters that an application has named. */
  readonly counters?: readonly (readonly [name: string, amount: number])[];
}

/** The byte of a group: its arm, and that it has users. */
const OUTSIDE = 0;
const USERS = 1 << 3;

/** Writes a batch without a host. */
export function forge({ instance, epoch = 1n, sequence = 1n, flags = [], counters = [] }: ForgedBatch): Uint8Array {
  const header = Buffer.alloc(38);
  header.write('FLCMBATC');
  header.writeUInt16LE(2, 8);
  [instance, epoch, sequence].forEach((number, index) => void header.writeBigUInt64LE(number, 10 + 8 * index));
  const named = counters.map(([name, amount]) => Buffer.concat([Buffer.of(2), text(name), varint(amount)]));
  return sealed(Buffer.concat([header, ...flags.map(entry), ...named]));
}

function entry({ key, generation = 1, evidence = {}, tallies = [], users = [] }: CountedFlag): Buffer {
  const samples = [evidence.treatment, evidence.control];
  const registers = list(users, ([skipped, value]) => [varint(skipped), varint(value)]);
  const parts = [
    ...samples.map((sample, bit) => ({ bit, bytes: sample && Buffer.concat(sample.map(varint)) })),
    { bit: 2, bytes: list(tallies, ([variant, reason, count]) => [text(variant), Buffer.of(reason), varint(count)]) },
    { bit: 3, bytes: registers && Buffer.concat([varint(1), text(''), Buffer.of(OUTSIDE | USERS), registers]) },
  ].filter(({ bytes }) => bytes !== undefined);
  const bits = parts.reduce((bits, { bit }) => bits | (1 << bit), 0);
  const bytes = parts.flatMap(({ bytes }) => bytes ?? []);
  return Buffer.concat([Buffer.of(1), text(key), varint(generation), Buffer.of(bits), ...bytes]);
}

function list<T>(items: readonly T[], write: (item: T) => Buffer[]): Buffer | undefined {
  return items.length === 0 ? undefined : Buffer.concat([varint(items.length), ...items.flatMap(write)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return Buffer.of(...bytes, rest);
}

/** The bytes with their checksum, which is taken 256 bytes at a time. */
function sealed(bytes: Buffer): Uint8Array {
  const trailer = Buffer.alloc(8);
  trailer.writeBigUInt64LE(chained(blocks(bytes)));
  return Buffer.concat([bytes, trailer]);
}

function blocks(bytes: Buffer): bigint[] {
  return Array.from({ length: Math.ceil(bytes.length / 256) }, (_, block) =>
    checksum(bytes.subarray(block * 256, (block + 1) * 256)),
  );
}

function chained(sums: readonly bigint[]): bigint {
  return sums.reduce((sum, block) => mix(sum ^ block), 0n);
}

/** The same batch of many hosts. Only the first block differs, so only that one is summed up again. */
export function copies(batch: Omit<ForgedBatch, 'instance'>, instances: readonly bigint[]): Uint8Array[] {
  const first = Buffer.from(forge({ ...batch, instance: 0n }));
  const [, ...rest] = blocks(first.subarray(0, -8));
  return instances.map((instance) => {
    const bytes = Buffer.from(first);
    bytes.writeBigUInt64LE(instance, 10);
    bytes.writeBigUInt64LE(
      chained([checksum(bytes.subarray(0, Math.min(256, bytes.length - 8))), ...rest]),
      bytes.length - 8,
    );
    return bytes;
  });
}
