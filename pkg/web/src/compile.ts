import type { Compiler } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import * as glue from '../../../target/bindings/compile/compile.js';
import type { Source } from './index.ts';

export type * from '../../../bindings/contract.d.ts';
export type { Source };

/**
 * Starts the compiler of documents.
 *
 * @param source Defaults to `compile.wasm` beside this file, fetched. Read once.
 */
export async function createCompiler(source?: Source): Promise<Compiler> {
  await glue.default({ module_or_path: source ?? new URL('./compile.wasm', import.meta.url) });
  return shared.createCompiler(glue);
}
