import { type Compiler, compiler, type Engine, engine, type Snapshot } from '@flcm/flags-node';

import wasm = require('@flcm/flags-node/wasm');

const engines: readonly Engine[] = [engine, wasm.engine];
const compilers: readonly Compiler[] = [compiler, wasm.compiler];
export const snapshot: Snapshot | undefined = engines[0]?.load(compilers[0]?.compile('').snapshot ?? new Uint8Array());
// @ts-expect-error: bytes, not text
engine.load('text');
