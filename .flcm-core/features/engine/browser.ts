import type { Compiler, Engine } from '../types.ts';

export const loadEngine = async (): Promise<Engine> => (await import('@flcm/flags-web')).createEngine();
export const loadedCompiler = (): Compiler | undefined => undefined;
export const loadCompiler = async (): Promise<Compiler> => (await import('@flcm/flags-web/compile')).createCompiler();
