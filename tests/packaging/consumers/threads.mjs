// Decides in the main thread and in two workers at once; the bytes cross by structured clone.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { engine } from '@flcm/flags-node';
import { answers } from './answers.js';

if (isMainThread) {
  const bytes = new Uint8Array(readFileSync('two-flags.snapshot'));
  const { cases } = JSON.parse(readFileSync('two-flags.json', 'utf8'));
  const decided = [1, 2].map(
    () =>
      new Promise((resolve, reject) => {
        const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { bytes, cases } });
        worker.once('message', resolve).once('error', reject);
      }),
  );
  const here = { name: engine.name, answers: answers(engine, structuredClone(bytes), cases) };
  console.log(JSON.stringify([here, ...(await Promise.all(decided))]));
} else {
  parentPort.postMessage({ name: engine.name, answers: answers(engine, workerData.bytes, workerData.cases) });
}
