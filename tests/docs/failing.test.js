// The tests of the guides can fail: each of these guides has one fault.

import assert from 'node:assert/strict';
import { test } from 'vitest';
import { blocksOf } from './blocks.js';
import { patience } from './programs.js';
import { complaints, FlagServer, written } from './tried.js';

/** Follows a guide with a fault. What never comes is not waited for as long. */
async function fails(guide, error) {
  const { ms } = patience;
  patience.ms = 6000;
  try {
    await assert.rejects(guide.follow(FlagServer), error);
  } finally {
    patience.ms = ms;
  }
}

const fence = (info, ...lines) => ['```', info, '\n', lines.map((line) => `${line}\n`).join(''), '```\n'].join('');
const yaml = (percentage) => fence('yaml', '# flags.yaml', `flags: { a: { rollout: { percentage: ${percentage} } } }`);
const program = (...lines) => fence('js', '// app.js', ...lines);
const live = program(
  "import { createFeatures } from '@flcm/features';",
  "const features = await createFeatures({ file: 'flags.yaml' });",
  "const say = () => console.log(features.isEnabled('a', 'alice'));",
  'say();',
  "features.on('change', say);",
  'setInterval(() => {}, 1000);',
);

for (const [fault, error, ...blocks] of [
  ['output that is another', /not what the guide says/, program("console.log('b');"), fence('text', 'a')],
  ['output that is left out', /not what the guide says/, program("console.log('a\\nb');"), fence('text', 'a')],
  ['a warning that is left out', /not what the guide says/, program("console.warn('b');"), fence('text', '…a')],
  ['a program that ends badly', /not end well/, program("console.log('a');", 'process.exit(1);'), fence('text', 'a')],
  ['a program that throws', /not what the guide says/, program("throw new Error('b');"), fence('text', 'a')],
  ['a file that nothing runs', /no program of the guide uses/, program("console.log('a');")],
  [
    'an edit that changes nothing',
    /not what/,
    yaml(0),
    live,
    fence('text running', 'false'),
    yaml(0),
    fence('text running', 'true'),
  ],
]) {
  test(fault, () => fails(written(blocks.join('')), error));
}

test('a page that shows another text, or has an error', async () => {
  const page = (script) =>
    written(
      fence('html', '<!-- index.html -->', '<p>a</p>', `<script type="module">${script}</script>`) +
        fence('text running', 'a'),
    );
  await page('').follow(FlagServer);
  await fails(page("document.querySelector('p').textContent = 'b';"), /not what the guide says/);
  await fails(page("throw new Error('b');"), /not what the guide says/);
});

test('types that do not hold', () => {
  const guide = fence(
    'ts',
    '// app.ts',
    "import { createFeatures } from '@flcm/features';",
    'createFeatures({ fil: 1 });',
  );
  assert.match(complaints(written(guide).folder), /app.ts\(3,18\): error TS\d+: .*'fil'/);
});

test('blocks that nothing tries', () => {
  assert.throws(() => blocksOf(fence('js', 'let a;')), /line 1: .* names its file/);
  assert.throws(() => blocksOf(fence('python', '# a.py')), /`python` is not known/);
  assert.throws(() => blocksOf(program('') + program('')), /`app.js` stands there twice/);
});

test('a worker that takes from one request to another', async () => {
  const worker = fence(
    'ts worker',
    '// worker.ts',
    'let kept: AbortController | undefined;',
    'export default {',
    '  async fetch(): Promise<Response> {',
    '    kept ??= new AbortController();',
    '    return new Response(kept.signal.aborted + "\\n");',
    '  },',
    '};',
  );
  const asked = (times) => fence('sh', ...Array.from({ length: times }, () => 'curl http://127.0.0.1:8787/'));
  await written(worker + asked(1) + fence('text running', 'false')).follow(FlagServer);
  const twice = worker + asked(2) + fence('text running', 'false', 'false');
  await fails(written(twice), /it belongs to another request/);
});
