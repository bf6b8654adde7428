import type { Engine } from '../../../bindings/contract.d.ts';
import init from '../../../target/bindings/wasm/flags.js';
import bytes from '../../../target/bindings/wasm/flags_bg.wasm';
import { engineIn } from './engine.ts';

export type * from '../../../bindings/contract.d.ts';

/** Starts an engine from bytes that are part of this file: nothing is fetched. */
export async function createEngine(): Promise<Engine> {
  return engineIn(await init({ module_or_path: bytes }));
}
