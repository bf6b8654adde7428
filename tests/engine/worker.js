// A thread of worker.test.js: decides with an engine of its own.

import { parentPort, workerData } from 'node:worker_threads';
import { engine } from '@flcm/flags-node';

const { bytes, users, now } = workerData;
const snapshot = engine.load(bytes);
const answers = users.map((user) => snapshot.isEnabled('half', user, undefined, now));
parentPort.postMessage({ name: engine.name, answers });
