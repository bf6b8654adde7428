import type { Compiler, Engine } from '../../../bindings/contract.d.ts';
import { createCompiler, createEngine, SIZE } from '../../../bindings/engine/index.ts';
import { LocalSnapshot as Local } from '../../../bindings/engine/local-snapshot.ts';
import { textReading } from '../../../bindings/engine/text-reading.ts';
import { type Addon, addon } from './addon.ts';

export type * from '../../../bindings/contract.d.ts';

const native = addon();
const wasm = (): typeof import('./wasm.ts') => require('./wasm.cjs');

function engineOf(binding: Addon): Engine {
  const memory = new ArrayBuffer(SIZE);
  const hot = binding.hot(memory);
  return createEngine({ name: 'native', binding, hot, memory: () => memory, offset: 0, read: textReading, Local });
}

/** The native addon where one fits the machine, else WebAssembly: `engine.name` says which. */
export const engine: Engine = native ? engineOf(native) : wasm().engine;

/** The compiler of documents, from where the engine comes from. */
export const compiler: Compiler = native ? createCompiler(native) : wasm().compiler;
