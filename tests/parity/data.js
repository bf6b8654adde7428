// What the suite is run over, read from the disk.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of the vectors. */
export const folder = fileURLToPath(new URL('../vectors', import.meta.url));

/** The names of the vectors, with forward slashes. */
export function names() {
  const all = readdirSync(folder, { recursive: true }).map((name) => name.replaceAll('\\', '/'));
  return all.filter((name) => /\.(json|snapshot)$/.test(name));
}

/** The vectors by their names, and the generated cases. */
export function read(cases) {
  const one = (name) => {
    const bytes = readFileSync(join(folder, name));
    return name.endsWith('.json') ? JSON.parse(bytes.toString('utf8')) : new Uint8Array(bytes);
  };
  return { vectors: new Map(names().map((name) => [name, one(name)])), cases: readFileSync(cases, 'utf8').split('\n') };
}
