/** Tests that make no sense for the small runtime of pages, and why: matched by file and name. */
const TESTS: readonly [test: RegExp, reason: string][] = [
  [/^chaos\/(signed-)?cache\.test|^chaos\/processes\.test|\bcache\b|were kept|was kept|at its end/, 'it keeps nothing'],
  [/^chaos\/revisions\.test.*restarts/, 'it keeps nothing'],
  [/^chaos\/signatures\.test/, 'it pins no keys'],
  [/^remote-config\/(file|documents)\.test|no other web server/, 'it follows a server of flags alone'],
  [/leaves no file watched|of a document that was given|refuses (no|an empty) document/, 'it reads no document'],
  [/refuses (no snapshot|two sources|an instance)/, 'it has one source, and what is wrong with a snapshot is an event'],
  [/a body that is (an error as JSON|a document that is no text)/, 'it reads no document: the code is another one'],
  [
    /a body that is too large|when a program brings it/,
    'it has no `maxBytes`; what is wrong with a snapshot is an event',
  ],
  [/^remote-config\/changes\.test|a late answer takes effect/, 'its `change` names no flags'],
  [/keeps no flag from/, 'it has no breaker of its own'],
  [
    /announces while a request is under way, which brings it|while it is created$/,
    'its stream begins after the answer',
  ],
  [/that are redirected/, 'browsers do not say where a redirect leads'],
  [/^remote-config\/server\.test/, 'the real server is in tests/server'],
];

/** Options that only other hosts have, and without which a test is about nothing. */
const OPTIONS = ['documentUrl', 'file', 'trust', 'audience', 'strict', 'sinks', 'app', 'notify'];

/** Why a page leaves a test out. */
export function leftOut(file: string, test: string): string | undefined {
  const name = `${file.replace(/^.*\/tests\/hosts\//, '')} ${test.replaceAll(' > ', ' ')}`;
  return TESTS.find(([pattern]) => pattern.test(name))?.[1];
}

/** Why a page leaves out a test that gives an option. */
export function withoutOption(options: object): string | undefined {
  const option = OPTIONS.find((name) => name in options);
  return option && `it has no \`${option}\``;
}
