import type { EngineBinding, HotCalls, Objects } from '../binding.d.ts';
import type { Decision, Engine, PackedDecision, Snapshot as SnapshotContract } from '../contract.d.ts';
import { engineError, isArray, messageOf, nameOf } from './error.ts';
import { LoadedSnapshot, noRoom } from './loaded-snapshot.ts';
import { SharedMemory } from './shared-memory.ts';
import { Snapshot } from './snapshot.ts';

export type * from '../contract.d.ts';
export { createAuthoringCompiler } from './authoring.ts';
export { createCompiler } from './compiler.ts';
export { SIZE } from './shared-memory.ts';

/** Makes of what a binding answers what the contract says. */
export interface Reading {
  decision(answer: string | Decision, outcome: PackedDecision): Decision;
  objects(answer: Objects): readonly object[];
}

/** What a loader has made of a binding. */
export interface Binding {
  readonly name: Engine['name'];
  readonly binding: EngineBinding;
  readonly hot: HotCalls;
  /** The shared memory: asked for again when the last answer was taken away by growing. */
  memory(): ArrayBuffer;
  /** Where in it the registers begin. */
  readonly offset: number;
  /** How its answers are read. */
  readonly read: Reading;
  /** Snapshots that decide some things without a crossing; without them, the engine is always asked. */
  readonly Local?: new (
    loaded: LoadedSnapshot,
    memory: () => ArrayBuffer,
    offset: number,
  ) => Snapshot;
}

/** The largest snapshot that is taken in: far beyond any use, and far below what wasm memory holds. */
const MOST_BYTES = 1 << 28;

/** An engine over a binding. */
export function createEngine({ name, binding, hot, memory: buffer, offset, read, Local }: Binding): Engine {
  const memory = new SharedMemory(buffer, offset);
  const load = (bytes: Uint8Array): SnapshotContract => {
    const loaded = new LoadedSnapshot(binding, hot, memory, take(binding, bytes), read);
    return Local ? new Local(loaded, buffer, offset) : new Snapshot(loaded);
  };
  return { name, version: binding.version(), load };
}

function take(binding: EngineBinding, bytes: Uint8Array): number {
  if (!isArray(bytes, 'Uint8Array')) {
    throw engineError('INVALID_ARGUMENT', `a snapshot must be a Uint8Array, not ${nameOf(bytes)}`);
  }
  if (bytes.length > MOST_BYTES) throw engineError('INVALID_ARGUMENT', `a snapshot has at most ${MOST_BYTES} bytes`);
  let handle: number;
  try {
    handle = binding.load(bytes);
  } catch (error) {
    // The glue could not put the bytes into wasm memory, and has called nothing yet.
    if (error instanceof WebAssembly.RuntimeError) throw noRoom('the snapshot', error);
    throw engineError('INVALID_SNAPSHOT', `invalid snapshot: ${messageOf(error)}`, error);
  }
  if (handle < 0) throw noRoom('the snapshot');
  return handle;
}
