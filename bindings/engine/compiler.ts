import type { CompilerBinding } from '../binding.d.ts';
import type { Attributes, Compiled, Compiler, Explained, Question } from '../contract.d.ts';
import { presentOf } from './attribute-reader.ts';
import { engineError, isArray, messageOf, nameOf } from './error.ts';

const NO_TRIPS = new Uint8Array(0);

/** A compiler over what a binding exports. */
export function createCompiler(binding: CompilerBinding): Compiler {
  return {
    version: binding.version(),
    compile: (text) => compile(binding, text),
    explain: (question) => explain(binding, question),
    schema: () => binding.schema(),
  };
}

function compile(binding: CompilerBinding, text: string): Compiled {
  if (typeof text !== 'string')
    throw engineError('INVALID_ARGUMENT', `a document must be a string, not a ${typeof text}`);
  const compiled = binding.compile(text);
  const { snapshot, diagnostics, report } = compiled;
  compiled.free?.();
  return { snapshot: snapshot ?? undefined, diagnostics: JSON.parse(diagnostics), report };
}

function explain(binding: CompilerBinding, question: Question): Explained {
  const { snapshot, trips = NO_TRIPS, flag, targetingKey = null, attributes, now } = Object(question) as Question;
  if (!isArray(snapshot, 'Uint8Array') || !isArray(trips, 'Uint8Array')) {
    throw engineError('INVALID_ARGUMENT', '`snapshot` and `trips` must be of type Uint8Array');
  }
  if (typeof flag !== 'string') throw engineError('INVALID_ARGUMENT', `\`flag\` must be a key, not ${nameOf(flag)}`);
  if (typeof now !== 'number') throw engineError('INVALID_ARGUMENT', `\`now\` must be a number, not ${nameOf(now)}`);
  const context = contextOf(targetingKey, attributes ?? {});
  try {
    return JSON.parse(binding.explain(snapshot, trips, flag, context, now));
  } catch (error) {
    const { code } = Object(error) as { code?: unknown };
    throw engineError(CODES.find((known) => known === code) ?? 'INVALID_ARGUMENT', messageOf(error), error);
  }
}

/** The codes that a binding gives. */
const CODES = ['INVALID_CONTEXT', 'INVALID_SNAPSHOT'] as const;

/** A context as JSON text. What deciding cannot read is refused here as well, and a lone surrogate becomes U+FFFD. */
function contextOf(targetingKey: unknown, attributes: Attributes): string {
  const flat: Record<string, unknown> = Object.create(null);
  for (const [name, value] of Object.entries(attributes)) {
    if (value != null) flat[name.toWellFormed()] = presentOf(name, value);
  }
  flat.targetingKey = targetingKey;
  return JSON.stringify(flat, (_name, value) => (typeof value === 'string' ? value.toWellFormed() : value));
}
