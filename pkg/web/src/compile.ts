import type { AuthoringCompiler } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import * as glue from '../../../target/bindings/compile/compile.js';
import type { Source } from './index.ts';

export type * from '../../../bindings/contract.d.ts';
export type { Source };

/**
 * Starts the compiler of documents, with what tools ask that edit them.
 *
 * @param source Defaults to `compile.wasm` beside this file, fetched. Read once.
 */
export async function createCompiler(source?: Source): Promise<AuthoringCompiler> {
  await glue.default({ module_or_path: source ?? new URL('./compile.wasm', import.meta.url) });
  return shared.createAuthoringCompiler(glue);
}
