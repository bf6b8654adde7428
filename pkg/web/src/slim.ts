import type { Engine } from '../../../bindings/contract.d.ts';
import { initSync } from '../../../target/bindings/wasm/flags.js';
import { engineIn } from './engine.ts';

export type * from '../../../bindings/contract.d.ts';

/**
 * Starts an engine at once, where code may not compile modules, as in edge workers.
 *
 * @param module `@flcm/flags-web/flags.wasm`, compiled by the host. Engines share its instance and memory.
 */
export function createEngine(module: WebAssembly.Module): Engine {
  return engineIn(initSync({ module }));
}
