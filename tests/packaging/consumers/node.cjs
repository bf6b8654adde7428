const { readFileSync } = require('node:fs');
const { engine } = require('@flcm/flags-node');
const wasm = require('@flcm/flags-node/wasm');

import('./answers.js').then(({ answers }) => {
  const bytes = readFileSync('two-flags.snapshot');
  const { cases } = JSON.parse(readFileSync('two-flags.json', 'utf8'));
  const [name, wasmName] = [engine.name, wasm.engine.name];
  console.log(
    JSON.stringify({
      name,
      answers: answers(engine, bytes, cases),
      wasmName,
      wasmAnswers: answers(wasm.engine, bytes, cases),
    }),
  );
});
