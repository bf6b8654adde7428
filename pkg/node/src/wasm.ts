import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Compiler, Engine } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import * as documents from '../../../target/bindings/compile/compile.js';
import { Ffi, initSync } from '../../../target/bindings/wasm/flags.js';

export type * from '../../../bindings/contract.d.ts';

const bytes = (name: string) => readFileSync(join(__dirname, name));
const { memory } = initSync({ module: bytes('flags.wasm') });
const binding = new Ffi();
const slot = { memory: () => memory.buffer, offset: binding.shared() };

let started: typeof documents | undefined;
function start(): typeof documents {
  if (!started) documents.initSync({ module: bytes('compile.wasm') });
  started = documents;
  return started;
}

/** The engine as WebAssembly, whether or not an addon fits the machine. */
export const engine: Engine = shared.createEngine({ name: 'wasm', binding, hot: binding, ...slot });

/** The compiler of documents as WebAssembly: a large module, which starts when it is first used. */
export const compiler: Compiler = shared.createCompiler({
  version: () => binding.version(),
  compile: (text) => start().compile(text),
  explain: (...question) => start().explain(...question),
  schema: () => start().schema(),
});
