// The bench in a page of a browser.

import { firstDecisions, measure, plainPaths } from './paths.js';
import { Plain } from './plain.js';

const bytesOf = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
};

/**
 * Measures; answers nanoseconds by path, and the milliseconds to the first decision, of each subject.
 *
 * @param {Record<string, string[]>} checkouts what each has: `wasm`, and `page` if it has that
 */
export default async function (checkouts, rounds) {
  const [subjects, starts] = [{ plain: plainPaths(Plain) }, {}];
  for (const [checkout, engines] of Object.entries(checkouts)) {
    const [bytes, manyBytes] = await Promise.all(
      [1000, 10_000].map((n) => bytesOf(`/${checkout}/snapshots/${n}.snapshot`)),
    );
    for (const engine of engines) {
      // Modules of its own for each, because what one has been compiled for would slow down another.
      const { enginePaths, pagePaths } = await import(`./paths.js?${checkout}-${engine}`);
      const start = await starter(checkout, engine);
      const subject = `${checkout} ${engine}`;
      starts[subject] = { start, bytes };
      subjects[subject] =
        engine === 'page' ? pagePaths(await start(), bytes) : enginePaths(await start(), bytes, manyBytes);
    }
  }
  return { paths: measure(subjects, rounds), first: await firstDecisions(starts, rounds) };
}

async function starter(checkout, engine) {
  if (engine === 'page') {
    const { createPageEngine } = await import(`/${checkout}/web/page.js`);
    const module = await bytesOf(`/${checkout}/web/flags-page.wasm`);
    return async () => createPageEngine(await WebAssembly.compile(module));
  }
  const { createEngine } = await import(`/${checkout}/web/slim.js`);
  const module = await bytesOf(`/${checkout}/web/flags.wasm`);
  return async () => createEngine(await WebAssembly.compile(module));
}
