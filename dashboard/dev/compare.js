// What differs between two documents, as the server says it: by the same engine.

import { readFileSync } from 'node:fs';
import { createCompiler } from '@flcm/flags-web/compile';

let compiler;

function start() {
  compiler ??= createCompiler(readFileSync(new URL('../../pkg/web/dist/compile.wasm', import.meta.url)));
  return compiler;
}

export async function compare(base, text) {
  const workbench = (await start()).workbench(base);
  try {
    workbench.draft(text);
    return workbench.diff(Date.now());
  } finally {
    workbench.free();
  }
}
