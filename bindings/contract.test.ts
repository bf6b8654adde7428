// What the bindings export is what `binding.d.ts` says: `npx tsc` compares, and nothing here runs.

import type * as documents from '../target/bindings/compile/compile.js';
import type * as addon from '../target/bindings/node/flags-node.d.ts';
import type * as module from '../target/bindings/wasm/flags.js';
import type { CompilerBinding, EngineBinding, HotCalls } from './binding.d.ts';

type Keeps<Contract, Binding extends Contract> = Binding;

export type Wasm = Keeps<EngineBinding & HotCalls, module.Ffi>;
export type Compile = Keeps<CompilerBinding, typeof documents>;
export type Node = Keeps<EngineBinding & CompilerBinding, typeof addon>;
export type NodeHot = Keeps<HotCalls, ReturnType<typeof addon.hot>>;
