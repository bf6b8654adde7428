import { createEngine } from '@flcm/flags-web/slim';
import { answers } from './answers.js';

globalThis.consume = (module, bytes, cases) => answers(createEngine(module), bytes, cases);
