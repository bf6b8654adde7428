// A service in Node, one in Rust and a page of React, all through OpenFeature, follow one server of flags: the recipe
// `example-openfeature` builds what this starts. Edit flags.yaml meanwhile; `rust fail 0.5` and a line feed breaks half of the new
// checkout's calls in one service, `rust fail 0` mends it.

import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const target = process.env.CARGO_TARGET_DIR ?? join(here, '../../target');

/** Starts a program, and shows each of its lines behind its name. */
function start(name, command, args, env = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...env } });
  for (const output of [child.stdout, child.stderr]) {
    createInterface(output).on('line', (line) => console.log(`${name.padEnd(6)} ${line}`));
  }
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
  });
  return child;
}

/** Where a program says that it listens. */
function listens(child, output) {
  return new Promise((found) => {
    createInterface(child[output]).on('line', (line) => {
      const [, port] = /127\.0\.0\.1:(\d+)/.exec(line) ?? [];
      if (port !== undefined) found(`http://127.0.0.1:${port}`);
    });
  });
}

const database = join(mkdtempSync(join(tmpdir(), 'flcm-example-')), 'flags.db');
const listen = ['--listen', '127.0.0.1:0', '--database', database];
const server = start('server', join(target, 'debug/flcm'), ['serve', join(here, 'flags.yaml'), ...listen]);
const url = await listens(server, 'stderr');
const services = {
  node: start('node', process.execPath, [join(here, 'service.js'), url]),
  rust: start('rust', join(target, 'debug/examples/service'), [url]),
};
const page = start('page', process.execPath, [join(here, '../react/serve.js')], { PORT: process.env.PORT ?? '0' });
const origin = await listens(page, 'stdout');
console.log(`page   ${origin}/?server=${encodeURIComponent(url)}`);

const children = [server, page, ...Object.values(services)];
process.on('exit', () => children.forEach((child) => void child.kill()));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit());
createInterface({ input: process.stdin }).on('line', (line) => {
  const [, name, order] = /^(node|rust) (fail [\d.]+)$/.exec(line) ?? [];
  if (name) services[name].stdin.write(`${order}\n`);
  else console.log('say: node fail 0.5, or rust fail 0');
});
