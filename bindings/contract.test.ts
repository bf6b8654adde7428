// What the bindings export is what the contract says: `npx tsc` compares, and nothing here runs.

import type * as documents from '../target/bindings/compile/compile.js';
import type * as addon from '../target/bindings/node/flags-node.d.ts';
import type * as module from '../target/bindings/wasm/flags.js';
import type { CompilerDoor, Door, HotDoor } from './contract.d.ts';

type Keeps<Contract, Binding extends Contract> = Binding;

export type Wasm = Keeps<Door & HotDoor, module.Door>;
export type Compile = Keeps<CompilerDoor, typeof documents>;
export type Node = Keeps<Door & CompilerDoor, typeof addon>;
export type NodeHot = Keeps<HotDoor, ReturnType<typeof addon.hot>>;
