import type { Engine } from '../../../bindings/contract.d.ts';
import { createCompactEngine } from '../../../bindings/engine/compact.ts';
import { version } from '../package.json';

export type * from '../../../bindings/contract.d.ts';

/**
 * Starts the compact engine at once, where code may not compile modules, as in edge workers.
 *
 * @param module `@flcm/flags-web/flags-compact.wasm`, compiled by the host.
 */
export const createEngine = (module: WebAssembly.Module): Engine => createCompactEngine(module, version);

/**
 * Starts the compact engine: two thirds of the bytes of the other, and all that it does, but for merging batches.
 *
 * @param source Defaults to `flags-compact.wasm` beside this file.
 */
export async function loadEngine(
  source: string | URL = new URL('./flags-compact.wasm', import.meta.url),
): Promise<Engine> {
  const answer = await fetch(source);
  if (!answer.ok) throw new Error(`${source} answered ${answer.status}`);
  return createEngine(await WebAssembly.compile(await answer.arrayBuffer()));
}
