import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Compiler, Engine } from '../../../bindings/contract.d.ts';
import * as shared from '../../../bindings/engine/index.ts';
import { textReading } from '../../../bindings/engine/text-reading.ts';
import { compile, explain, schema, initSync as startCompiler } from '../../../target/bindings/compile/compile.js';
import { Ffi, initSync } from '../../../target/bindings/wasm/flags.js';

export type * from '../../../bindings/contract.d.ts';

const bytes = (name: string) => readFileSync(join(__dirname, name));
const { memory } = initSync({ module: bytes('flags.wasm') });
const binding = new Ffi();
const slot = { memory: () => memory.buffer, offset: binding.shared() };

let isStarted = false;
function start(): void {
  if (!isStarted) startCompiler({ module: bytes('compile.wasm') });
  isStarted = true;
}

/** The engine as WebAssembly, whether or not an addon fits the machine. */
export const engine: Engine = shared.createEngine({ name: 'wasm', binding, hot: binding, read: textReading, ...slot });

/** The compiler of documents as WebAssembly: a large module, which starts when it is first used. */
export const compiler: Compiler = shared.createCompiler({
  version: () => binding.version(),
  compile: (text) => {
    start();
    return compile(text);
  },
  explain: (...question) => {
    start();
    return explain(...question);
  },
  schema: () => {
    start();
    return schema();
  },
});
