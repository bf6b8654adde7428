import type { Compiled, Compiler, CompilerDoor, EngineErrorCode, Explained, Question } from '../contract.d.ts';
import { engineError, messageOf } from './error.ts';

const NO_TRIPS = new Uint8Array(0);

/** A compiler over what a binding exports. */
export function createCompiler(door: CompilerDoor): Compiler {
  return {
    version: door.version(),
    compile: (text) => compile(door, text),
    explain: (question) => explain(door, question),
    schema: () => door.schema(),
  };
}

function compile(door: CompilerDoor, text: string): Compiled {
  if (typeof text !== 'string')
    throw engineError('INVALID_ARGUMENT', `a document must be a string, not a ${typeof text}`);
  const compiled = door.compile(text);
  const { snapshot, diagnostics, report } = compiled;
  compiled.free?.();
  return { snapshot: snapshot ?? undefined, diagnostics: JSON.parse(diagnostics), report };
}

function explain(door: CompilerDoor, question: Question): Explained {
  const { snapshot, trips = NO_TRIPS, flag, targetingKey = null, attributes, now } = question;
  if (!ArrayBuffer.isView(snapshot) || !ArrayBuffer.isView(trips)) {
    throw engineError('INVALID_ARGUMENT', '`snapshot` and `trips` must be of type Uint8Array');
  }
  const context = JSON.stringify({ ...attributes, targetingKey }, wellFormed);
  try {
    return JSON.parse(door.explain(snapshot, trips, flag, context, now));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? (error.code as EngineErrorCode) : 'INVALID_ARGUMENT';
    throw engineError(code, messageOf(error), error);
  }
}

/** A lone surrogate becomes U+FFFD, as it does when a context crosses into an engine. */
function wellFormed(_name: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed() : value;
}
