import type { PageEngine } from '../../../bindings/contract.d.ts';
import { createPageEngine } from '../../../bindings/engine/page.ts';

export type * from '../../../bindings/contract.d.ts';
export { createPageEngine };

/**
 * Starts the small engine of pages, which decides and nothing else.
 *
 * @param trapped Called when an instance of the module has failed, and was replaced.
 * @param source Defaults to `flags-page.wasm` beside this file.
 */
export async function loadPageEngine(
  trapped?: (error: unknown) => void,
  source: string | URL = new URL('./flags-page.wasm', import.meta.url),
): Promise<PageEngine> {
  const answer = await fetch(source);
  if (!answer.ok) throw new Error(`${source} answered ${answer.status}`);
  return createPageEngine(await WebAssembly.compile(await answer.arrayBuffer()), trapped);
}
