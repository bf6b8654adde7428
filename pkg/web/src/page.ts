import type { PageEngine } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/page.ts';

export type * from '../../../bindings/contract.d.ts';

/**
 * The small engine of pages in a module.
 *
 * @param module `@flcm/flags-web/flags-page.wasm`, compiled.
 * @param trapped Called when an instance of the module has failed, and was replaced.
 */
export const createPageEngine: (module: WebAssembly.Module, trapped?: (error: unknown) => void) => PageEngine =
  shared.createPageEngine;

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
