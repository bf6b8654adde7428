import type { CompilerBinding, EngineBinding, HotCalls } from '../../../bindings/binding.d.ts';
import { version } from '../package.json';

/** What the addon exports: the calls that may take their time, and those that must be fast, over a memory that is shared. */
export type Addon = EngineBinding & CompilerBinding & { hot(memory: ArrayBuffer): HotCalls };

const abis = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[process.platform as string] ?? [''];
const targets = abis.map((abi) => `${process.platform}-${process.arch}${abi}`);

/**
 * The addon that fits this machine: one built beside this package, or the package made for it. One of another version may
 * understand the shared memory otherwise, so it does not fit.
 */
export function addon(): Addon | undefined {
  for (const path of targets.flatMap((to) => [`../flags-node.${to}.node`, `@flcm/flags-node-${to}`])) {
    try {
      const found: Addon = require(path);
      if (found.version() === version) return found;
    } catch {
      // Not there, or made for another machine: the next may do, and WebAssembly does everywhere.
    }
  }
  return undefined;
}
