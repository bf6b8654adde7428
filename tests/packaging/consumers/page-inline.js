import { createEngine } from '@flcm/flags-web/inline';
import { answers } from './answers.js';

globalThis.consume = async (bytes, cases) => answers(await createEngine(), new Uint8Array(bytes), cases);
