// `node tests/steps.js JUST RECIPE`: runs what a recipe depends on, each dependency once and two steps at a time, and
// prints how long each took. The justfile says what depends on what. `[metadata('lane: …')]` says what may run together:
// of the lane `cargo` one step at a time, because cargo locks its folder; a step of the lane `alone` by itself, at the end.

import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const AT_ONCE = 2;

const [just, goal] = process.argv.slice(2);
if (goal === undefined) {
  console.error('usage: node tests/steps.js JUST RECIPE');
  process.exit(2);
}

/** Ends with an error that says how to mend it. */
function fail(error, help) {
  console.error(`error: ${error}\nhelp: ${help}`);
  process.exit(2);
}

const dump = execFileSync(just, ['--dump', '--dump-format', 'json'], { encoding: 'utf8', maxBuffer: 1 << 26 });
const { recipes } = JSON.parse(dump);

/** @typedef {{ name: string, lane: string, needs: string[], started?: number, seconds?: number, failed?: boolean, last: string[] }} Step */

/** @type {Map<string, Step>} in an order in which each could run */
const steps = new Map();

function add(name) {
  if (steps.has(name)) return;
  const { dependencies, attributes, parameters } = recipes[name];
  if (parameters.some((parameter) => parameter.default === null))
    fail(`the recipe \`${name}\` has a parameter without a default`, 'a step is run without arguments: give it one');
  const needs = dependencies.map(({ recipe }) => recipe);
  needs.forEach(add);
  const [, lane = 'any'] = /lane: (\w+)/.exec(attributes.flatMap(({ metadata = [] }) => metadata).join()) ?? [];
  steps.set(name, { name, lane, needs, last: [] });
}
if (!recipes[goal]) fail(`there is no recipe \`${goal}\``, '`just --summary` lists them');
for (const { recipe } of recipes[goal].dependencies) add(recipe);

const start = performance.now();
const elapsed = () => (performance.now() - start) / 1000;
const isDone = ({ seconds }) => seconds !== undefined;
const isRunning = (step) => step.started !== undefined && !isDone(step);

/** The next step that may start beside those that run. */
function next() {
  const all = [...steps.values()];
  const running = all.filter(isRunning);
  if (running.length >= AT_ONCE || running.some(({ lane }) => lane === 'alone')) return undefined;
  const ready = all.filter(
    ({ started, needs }) => started === undefined && needs.every((name) => isDone(steps.get(name))),
  );
  const together = ready.find(
    ({ lane }) => lane === 'any' || (lane === 'cargo' && running.every((step) => step.lane !== 'cargo')),
  );
  if (together) return together;
  return running.length === 0 ? ready[0] : undefined;
}

/** Runs a step, and passes on what it prints behind its name. */
function run(step) {
  step.started = elapsed();
  console.log(`${step.name} │ begins`);
  const child = spawn(just, ['--no-deps', step.name], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface(stream).on('line', (line) => {
      console.log(`${step.name} │ ${line}`);
      step.last.push(line);
      if (step.last.length > 60) step.last.shift();
    });
  }
  const ended = new Promise((resolve) => {
    child.on('error', (error) => resolve(error.message));
    child.on('close', (code, signal) => resolve(code ?? signal));
  });
  return { step, child, ended };
}

const children = new Set();
const stopAll = () => {
  for (const { pid } of children) {
    try {
      process.kill(-pid);
    } catch {
      // It has ended.
    }
  }
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopAll();
    process.exit(1);
  });
}

function table() {
  const width = Math.max(...[...steps.keys()].map((name) => name.length));
  console.log(`\n${'step'.padEnd(width)}  ${'from'.padStart(6)}  ${'seconds'.padStart(7)}  lane`);
  for (const { name, lane, started, seconds, failed } of [...steps.values()].sort((a, b) => a.started - b.started)) {
    if (started === undefined) continue;
    const took = seconds === undefined ? 'stopped' : seconds.toFixed(0);
    const end = failed ? '  FAILED' : '';
    console.log(
      `${name.padEnd(width)}  ${started.toFixed(0).padStart(6)}  ${took.padStart(7)}  ${lane === 'any' ? '' : lane}${end}`,
    );
  }
  const notRun = [...steps.values()].filter(({ started }) => started === undefined).map(({ name }) => name);
  if (notRun.length > 0) console.log(`not run: ${notRun.join(', ')}`);
  console.log(`${elapsed().toFixed(0)} seconds in all`);
}

/** Starts whatever may start; ends when all have ended, or one has failed. */
await new Promise((resolve) => {
  const begin = () => {
    for (let step = next(); step !== undefined; step = next()) {
      const { child, ended } = run(step);
      children.add(child);
      const current = step;
      ended.then((code) => {
        children.delete(child);
        if (process.exitCode) return;
        current.seconds = elapsed() - current.started;
        current.failed = code !== 0;
        console.log(
          `${current.name} │ ${current.failed ? `FAILED with ${code}` : 'done'} after ${current.seconds.toFixed(1)} s`,
        );
        if (current.failed) {
          process.exitCode = 1;
          stopAll();
          resolve();
        } else if ([...steps.values()].every(isDone)) resolve();
        else begin();
      });
    }
  };
  begin();
});

for (const { name, last } of [...steps.values()].filter(({ failed }) => failed)) {
  console.error(`\nerror: \`${name}\` failed; its last lines:\n${last.map((line) => `  ${line}\n`).join('')}`);
  console.error(`help: run it alone with \`just ${name}\``);
}
table();
