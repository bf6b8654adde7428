import type { AuthoringBinding, SimulatorBinding, WorkbenchBinding } from '../binding.d.ts';
import type {
  AuthoringCompiler,
  Counted,
  Diagnostic,
  Difference,
  Scenario,
  Simulation,
  Simulator,
  TripState,
  Workbench,
} from '../contract.d.ts';
import { asEngineError, createCompiler } from './compiler.ts';
import { engineError, isArray, nameOf } from './error.ts';

/** A compiler over what WebAssembly exports for tools that edit documents. */
export function createAuthoringCompiler(binding: AuthoringBinding): AuthoringCompiler {
  return {
    ...createCompiler(binding),
    edit: (text, edits) => {
      checkText('text', text);
      return attempt(() => binding.edit(text, wellFormed(edits)));
    },
    cohorts: (text) => {
      checkText('text', text);
      return attempt(() => binding.cohorts(text) ?? undefined);
    },
    outline: (text, flag) => {
      checkText('text', text);
      checkText('flag', flag);
      return attempt(() => binding.outline(text, flag) ?? undefined);
    },
    cohortOutline: (text, cohort) => {
      checkText('text', text);
      checkText('cohort', cohort);
      return attempt(() => binding.cohortOutline(text, cohort) ?? undefined);
    },
    workbench: (base) => {
      checkText('base', base);
      return new LoadedWorkbench(attempt(() => new binding.Workbench(base)));
    },
    simulator: (snapshot, scenario) => {
      checkBytes(snapshot);
      const { now, ...rest } = Object(scenario) as Scenario;
      checkNumber('now', now);
      return new LoadedSimulator(attempt(() => new binding.Simulator(snapshot, JSON.stringify(rest), now)));
    },
    trips: (snapshot, states) => trips(binding, snapshot, states),
  };
}

function trips(
  binding: AuthoringBinding,
  snapshot: Uint8Array,
  states: Readonly<Record<string, TripState>>,
): Uint8Array {
  checkBytes(snapshot);
  return attempt(() => binding.trips(snapshot, wellFormed(Object(states))));
}

/** As JSON text, in which a lone surrogate is U+FFFD. */
function wellFormed(value: unknown): string {
  const replace = (_name: string, part: unknown) => (typeof part === 'string' ? part.toWellFormed() : part);
  return JSON.stringify(value, replace) ?? 'null';
}

/** What is left of memory in WebAssembly when it was given back: an error. */
class Held<Binding extends { free(): void }> {
  #binding: Binding | undefined;
  readonly #name: string;

  constructor(binding: Binding, name: string) {
    this.#binding = binding;
    this.#name = name;
  }

  ask<T>(question: (binding: Binding) => T): T {
    const binding = this.#binding;
    if (!binding) throw engineError('FREED', `the ${this.#name} was freed`);
    return attempt(() => question(binding));
  }

  free(): void {
    this.#binding?.free();
    this.#binding = undefined;
  }
}

class LoadedWorkbench implements Workbench {
  readonly #held: Held<WorkbenchBinding>;

  constructor(binding: WorkbenchBinding) {
    this.#held = new Held(binding, 'workbench');
  }

  draft(text: string): readonly Diagnostic[] {
    checkText('draft', text);
    return this.#held.ask((binding) => binding.draft(text));
  }

  snapshot(): Uint8Array | undefined {
    return this.#held.ask((binding) => binding.snapshot ?? undefined);
  }

  diff(now: number): Difference | undefined {
    checkNumber('now', now);
    return this.#held.ask((binding) => binding.diff(now) ?? undefined);
  }

  count(lines: string): Counted | undefined {
    checkText('lines', lines);
    return this.#held.ask((binding) => binding.count(lines) ?? undefined);
  }

  free(): void {
    this.#held.free();
  }
}

/** So that a mistaken number does not stop the thread for ever. */
const MOST_RUNS = 1_000_000;

class LoadedSimulator implements Simulator {
  readonly #held: Held<SimulatorBinding>;

  constructor(binding: SimulatorBinding) {
    this.#held = new Held(binding, 'simulator');
  }

  advance(runs: number, days?: number): Simulation {
    checkCount('runs', runs);
    if (days !== undefined) checkCount('days', days);
    return this.#held.ask((binding) => binding.advance(runs, days));
  }

  free(): void {
    this.#held.free();
  }
}

function attempt<T>(question: () => T): T {
  try {
    return question();
  } catch (error) {
    throw asEngineError(error);
  }
}

function checkText(name: string, text: unknown): void {
  if (typeof text !== 'string')
    throw engineError('INVALID_ARGUMENT', `\`${name}\` must be a string, not ${nameOf(text)}`);
}

function checkNumber(name: string, number: unknown): void {
  if (typeof number !== 'number')
    throw engineError('INVALID_ARGUMENT', `\`${name}\` must be a number, not ${nameOf(number)}`);
}

function checkCount(name: string, count: unknown): void {
  if (Number.isInteger(count) && (count as number) >= 0 && (count as number) <= MOST_RUNS) return;
  throw engineError(
    'INVALID_ARGUMENT',
    `\`${name}\` must be a whole number from 0 to ${MOST_RUNS}, not ${nameOf(count)}`,
  );
}

function checkBytes(snapshot: unknown): void {
  if (!isArray(snapshot, 'Uint8Array')) throw engineError('INVALID_ARGUMENT', '`snapshot` must be of type Uint8Array');
}
