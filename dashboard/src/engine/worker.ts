/** The engine, in a Worker: the page goes on while it compiles, compares or simulates. */

import {
  type AuthoringCompiler,
  type Compiled,
  createCompiler,
  type Simulator,
  type Workbench,
} from '@flcm/flags-web/compile';
import wasm from '@flcm/flags-web/compile.wasm?url';
import type { Edit } from '../draft/store.ts';
import type { Checked, Engine, Question, Scenario } from '../engine.ts';
import { en } from '../words/en.ts';
import type { Answer, Call } from './client.ts';

let compiler: Promise<AuthoringCompiler> | undefined;

function start(): Promise<AuthoringCompiler> {
  compiler ??= createCompiler(fetch(wasm));
  return compiler;
}

type Checkable = Pick<Compiled, 'diagnostics' | 'snapshot'>;

/** The base and the draft are asked for again and again; compiling is what takes long. */
const KEPT = 3;
const compiled = new Map<string, Checkable>();

/** The base of drafts, and the draft that was compared with it last. */
let bench: { readonly base: string; readonly workbench: Workbench; draft: string | undefined } | undefined;

async function compile(text: string): Promise<Checkable> {
  const engine = await start();
  const found = compiled.get(text);
  if (found) return found;
  const made = bench && bench.base !== text ? drafted(bench, text) : engine.compile(text);
  compiled.set(text, made);
  for (const old of [...compiled.keys()].slice(0, -KEPT)) compiled.delete(old);
  return made;
}

function drafted(on: NonNullable<typeof bench>, text: string): Checkable {
  const diagnostics = on.workbench.draft(text);
  on.draft = text;
  return { diagnostics, snapshot: on.workbench.snapshot() };
}

async function diff(base: string, text: string): Promise<unknown> {
  const engine = await start();
  if (bench?.base !== base) {
    bench?.workbench.free();
    bench = undefined;
    bench = { base, workbench: engine.workbench(base), draft: undefined };
  }
  if (bench.draft !== text) drafted(bench, text);
  const difference = bench.workbench.diff(Date.now());
  if (!difference) throw new Error(en.errors.unexpected);
  return difference;
}

async function count(lines: string): Promise<unknown> {
  const counted = bench?.workbench.count(lines);
  if (!counted) throw new Error(en.errors.unexpected);
  return counted;
}

async function check(text: string): Promise<Checked> {
  await start();
  const begin = performance.now();
  const { diagnostics, snapshot } = await compile(text);
  return { diagnostics, valid: snapshot !== undefined, milliseconds: Math.round(performance.now() - begin) };
}

async function explain({ text, flag, user, attributes, now, trips: states }: Question): Promise<unknown> {
  const { snapshot } = await compile(text);
  if (!snapshot) throw new Error(en.errors.unexpected);
  const engine = await start();
  const trips = engine.trips(snapshot, states);
  const question = { snapshot, trips, flag, targetingKey: user, attributes, now };
  return engine.explain(question).explanation;
}

const isDocumentEdit = (edit: Edit): edit is Exclude<Edit, { op: 'text' }> => edit.op !== 'text';

async function edit(text: string, edits: readonly Edit[]): Promise<unknown> {
  return (await start()).edit(text, edits.filter(isDocumentEdit));
}

async function outline(text: string, flag: string): Promise<unknown> {
  const found = (await start()).outline(text, flag);
  if (!found) throw new Error(en.errors.unexpected);
  return found;
}

async function cohortOutline(text: string, cohort: string): Promise<unknown> {
  const found = (await start()).cohortOutline(text, cohort);
  if (!found) throw new Error(en.errors.unexpected);
  return found;
}

/** The simulation that goes on when more runs of the same are asked for. */
let running: { readonly key: string; readonly simulator: Simulator; runs: number } | undefined;

async function simulate({ runs, ...scenario }: Scenario): Promise<unknown> {
  const key = JSON.stringify(scenario);
  if (running?.key !== key || running.runs > runs) {
    running?.simulator.free();
    running = undefined;
    running = { key, simulator: await simulator(scenario), runs: 0 };
  }
  // Healthy days take longest: the first answer comes with one.
  const simulation = running.simulator.advance(runs - running.runs, running.runs === 0 ? 1 : undefined);
  running.runs = runs;
  return simulation;
}

async function simulator({ text, perSecond, share, ...scenario }: Omit<Scenario, 'runs'>): Promise<Simulator> {
  const { snapshot } = await compile(text);
  if (!snapshot) throw new Error(en.errors.unexpected);
  const asked = { ...scenario, requestsPerSecond: perSecond, sharePercent: share, withPlain: false, now: Date.now() };
  return (await start()).simulator(snapshot, asked);
}

type Functions = { readonly [Name in keyof Engine]: (...args: Parameters<Engine[Name]>) => Promise<unknown> };

const functions: Functions = {
  check,
  explain,
  schema: async () => (await start()).schema(),
  edit,
  outline,
  cohortOutline,
  cohorts: async (text) => (await start()).cohorts(text) ?? [],
  diff,
  count,
  simulate,
};

self.onmessage = async ({ data: { id, name, args } }: MessageEvent<Call>) => {
  const answer: Answer = await (functions[name] as (...args: readonly unknown[]) => Promise<unknown>)(...args).then(
    (value) => ({ id, value }),
    (error: Error) => ({ id, error: error.message }),
  );
  self.postMessage(answer);
};
