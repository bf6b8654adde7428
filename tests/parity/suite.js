// The one suite for every engine: it asks what `bindings/contract.d.ts` promises, and knows nothing of what is behind it.
// Runs unchanged in Node and in a page.

import { breaker } from './breaker.js';
import { generated } from './generated.js';
import { bucket, condition, diagnostics, evaluate, inherit, schedule, snapshot } from './vectors.js';

/** Kinds of vectors, which are the folders of `tests/vectors`. */
const kinds = { breaker, bucket, condition, diagnostics, evaluate, inherit, schedule, snapshot };

/**
 * Compares an engine and a compiler with the vectors and with generated cases; throws at the first that differs.
 *
 * @param subject `{ engine, compiler }`, an `Engine` and a `Compiler`; with `decidesOnly` an engine without breakers.
 * @param data `vectors`, a `Map` from names such as `evaluate/groups.json` to what JSON says or, for `.snapshot`, to bytes;
 *   and `cases`, the lines that `parity-cases` wrote.
 * @param report Is told what was compared, and how often, as soon as it was.
 * @returns How often, by what was compared.
 */
export async function run(subject, data, report = () => {}) {
  const counts = {};
  const add = (what, count) => {
    counts[what] = (counts[what] ?? 0) + count;
  };
  const asked = Object.entries(kinds).filter(([kind]) => kind !== 'breaker' || !subject.decidesOnly);
  for (const [kind, compare] of asked) {
    const files = [...data.vectors].filter(([name]) => name.startsWith(`${kind}/`) && name.endsWith('.json'));
    for (const [name, file] of files) {
      add(kind, await compare(subject, file, name, data.vectors.get(name.replace(/json$/, 'snapshot'))));
    }
    report(kind, counts[kind]);
  }
  for (const line of data.cases) {
    if (line.trim() === '') continue;
    for (const [what, count] of Object.entries(await generated(subject, JSON.parse(line)))) add(what, count);
  }
  const generatedKinds = ['documents', 'decisions', 'words', 'transcripts'];
  for (const what of generatedKinds) report(`generated ${what}`, counts[what]);
  // What was never asked cannot fail.
  for (const what of [...asked.map(([kind]) => kind), ...generatedKinds]) {
    if (!(counts[what] > 0)) throw new Error(`nothing of the kind \`${what}\` was compared`);
  }
  return counts;
}
