// For bundlers that do not follow `new URL(…, import.meta.url)`: the place of the module comes from an import.
import { createEngine } from '@flcm/flags-web';
import place from '@flcm/flags-web/flags.wasm';
import { answers } from './answers.js';

globalThis.consume = async (bytes, cases) =>
  answers(await createEngine(new URL(place, import.meta.url)), new Uint8Array(bytes), cases);
