import type { Engine } from '../../../bindings/contract.d.ts';
import init from '../../../target/bindings/wasm/flags.js';
import { engineIn } from './engine.ts';

export type * from '../../../bindings/contract.d.ts';

/** Where a module comes from: a slot to fetch it from, the answer to such a fetch, its bytes, or the module itself. */
export type Source = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

/**
 * Starts an engine.
 *
 * @param source Defaults to `flags.wasm` beside this file, fetched. Read once: engines share the instance and its memory.
 */
export async function createEngine(source?: Source): Promise<Engine> {
  return engineIn(await init({ module_or_path: source ?? new URL('./flags.wasm', import.meta.url) }));
}
