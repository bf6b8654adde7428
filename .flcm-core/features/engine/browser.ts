import type { Compiler, Engine } from '../types.ts';

export const loadEngine = async (readsBatches: boolean): Promise<Engine> =>
  readsBatches
    ? (await import('@flcm/flags-web')).createEngine()
    : (await import('@flcm/flags-web/compact')).loadEngine();
export const loadedCompiler = (): Compiler | undefined => undefined;
export const loadCompiler = async (): Promise<Compiler> => (await import('@flcm/flags-web/compile')).createCompiler();
