/** What decides, and what reads documents: the only file that loads either. */

import * as platform from '#engine';
import type { Compiler, Engine } from './types.ts';

/**
 * Loads the engine of the platform, unless one was given.
 *
 * @param readsBatches Whether it is to say what is in a batch, as sinks of the application ask: the compact one cannot.
 */
export function loadEngine(given: Engine | undefined, readsBatches: boolean): Promise<Engine> {
  return given ? Promise.resolve(given) : platform.loadEngine(readsBatches);
}

/** The compiler, loaded when a document is first to be read: in browsers it is much larger than all else. */
export class Compilers {
  #loaded: Compiler | undefined;
  #loading: Promise<Compiler> | undefined;

  constructor(given: Compiler | undefined) {
    this.#loaded = given;
  }

  /** The compiler if it is there without waiting. */
  get loaded(): Compiler | undefined {
    this.#loaded ??= platform.loadedCompiler();
    return this.#loaded;
  }

  async load(): Promise<Compiler> {
    if (this.loaded) return this.loaded;
    this.#loading ??= platform.loadCompiler();
    this.#loaded = await this.#loading;
    return this.#loaded;
  }
}
