// Compiles the document in the page rather than loading the bytes.
import { createEngine } from '@flcm/flags-web';
import { createCompiler } from '@flcm/flags-web/compile';
import { answers } from './answers.js';

globalThis.consume = async (bytes, cases, document) => {
  const { snapshot } = (await createCompiler()).compile(document);
  if (String(snapshot) !== String(bytes)) throw new Error('the document does not give the bytes that were kept');
  return answers(await createEngine(), snapshot, cases);
};
