import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { compiler, engine } from '@flcm/flags-node';
import * as wasm from '@flcm/flags-node/wasm';
import { answers } from './answers.js';

const required = createRequire(import.meta.url)('@flcm/flags-node');
const bytes = readFileSync('two-flags.snapshot');
const { cases, document } = JSON.parse(readFileSync('two-flags.json', 'utf8'));
const compiled = compiler.compile(document);
console.log(
  JSON.stringify({
    name: engine.name,
    answers: answers(engine, bytes, cases),
    wasmName: wasm.engine.name,
    wasmAnswers: answers(wasm.engine, bytes, cases),
    sameInstance: required.engine === engine && required.compiler === compiler,
    compiledIsKept: Buffer.from(compiled.snapshot).equals(bytes),
    wasmCompiledIsKept: Buffer.from(wasm.compiler.compile(document).snapshot).equals(bytes),
  }),
);
