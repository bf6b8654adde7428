/** The engine, in a Worker: the page goes on while it compiles, compares or simulates. */

import { type Compiled, type Compiler, createCompiler } from '@flcm/flags-web/compile';
import wasm from '@flcm/flags-web/compile.wasm?url';
import type { Checked, Engine, Question } from '../engine.ts';
import { en } from '../words/en.ts';
import type { Answer, Call } from './client.ts';

declare const __DEV_ENGINE__: boolean;

let compiler: Promise<Compiler> | undefined;

function start(): Promise<Compiler> {
  compiler ??= createCompiler(fetch(wasm));
  return compiler;
}

/** The base and the draft are asked for again and again; compiling is what takes long. */
const KEPT = 3;
const compiled = new Map<string, Compiled>();

async function compile(text: string): Promise<Compiled> {
  const found = compiled.get(text);
  if (found) return found;
  const made = (await start()).compile(text);
  compiled.set(text, made);
  for (const old of [...compiled.keys()].slice(0, -KEPT)) compiled.delete(old);
  return made;
}

async function check(text: string): Promise<Checked> {
  await start();
  const begin = performance.now();
  const { diagnostics, snapshot } = await compile(text);
  return { diagnostics, valid: snapshot !== undefined, milliseconds: Math.round(performance.now() - begin) };
}

async function explain({ text, flag, user, attributes, now }: Question): Promise<unknown> {
  const { snapshot } = await compile(text);
  if (!snapshot) throw new Error(en.errors.unexpected);
  const question = { snapshot, flag, targetingKey: user, attributes: attributes as never, now };
  return (await start()).explain(question).explanation;
}

/** What the compiler does not answer yet. */
async function missing(name: string, argument: unknown): Promise<unknown> {
  if (!__DEV_ENGINE__) throw new Error(en.errors.missingEngine(name));
  const response = await fetch(`/dev/engine/${name}`, { method: 'POST', body: JSON.stringify(argument) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
}

type Functions = { readonly [Name in keyof Engine]: (...args: Parameters<Engine[Name]>) => Promise<unknown> };

const functions: Functions = {
  check,
  explain,
  schema: async () => (await start()).schema(),
  edit: (text, edits) => missing('edit', { text, edits }),
  outline: (text, flag) => missing('outline', { text, flag }),
  cohorts: (text) => missing('cohorts', { text }),
  diff: (base, text) => missing('diff', { base, text }),
  simulate: (scenario) => missing('simulate', scenario),
};

self.onmessage = async ({ data: { id, name, args } }: MessageEvent<Call>) => {
  const answer: Answer = await (functions[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args).then(
    (value) => ({ id, value }),
    (error: Error) => ({ id, error: error.message }),
  );
  self.postMessage(answer);
};
