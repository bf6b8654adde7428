import { compiler, engine } from '@flcm/flags-node';
import type { Compiler, Engine } from '../types.ts';

export const loadEngine = (): Promise<Engine> => Promise.resolve(engine);
export const loadedCompiler = (): Compiler | undefined => compiler;
export const loadCompiler = (): Promise<Compiler> => Promise.resolve(compiler);
