import { describe } from 'vitest';
import { HOST } from './which.ts';

/** Tests of what hosts in other languages do not have, and why. They are listed at the end of a run that leaves them out. */
export function onlyTypeScript(reason: string, tests: () => void): void {
  describe.skipIf(HOST !== 'typescript')(`TypeScript alone, ${reason}`, tests);
}
