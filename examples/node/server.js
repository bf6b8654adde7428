// A service that greets as a flag says, and reloads the document when it changes: `node examples/node/server.js [DOCUMENT]`.
// PORT is where it listens; 0 takes any free port.

import { readFileSync, watch } from 'node:fs';
import { createServer } from 'node:http';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compiler, engine } from '@flcm/flags-node';

const file = process.argv[2] ?? fileURLToPath(new URL('flags.yaml', import.meta.url));
let text;
let snapshot;

/** Puts the document in use. Throws when it cannot, and changes nothing then. */
function load() {
  const read = readFileSync(file, 'utf8');
  if (read === text) return;
  text = read; // even if it is bad, so that it is reported once
  const { snapshot: bytes, report } = compiler.compile(read);
  if (bytes === undefined) throw new Error(report);
  if (report !== '') console.error(report); // warnings
  const old = snapshot;
  snapshot = engine.load(bytes);
  old?.free(); // only now: had `load` thrown, it would still be in use
  console.log(`${file}: snapshot ${snapshot.digest} is in use`);
}

/** Last known good: whatever is wrong with an edit, the old snapshot goes on deciding. */
function reload() {
  try {
    load();
  } catch (error) {
    console.error(`${file}: the edit is not used\n${error.message}`);
  }
}

/** Follows the folder, because editors put a new file in the place of the old one. */
function follow() {
  let waiting = false;
  watch(dirname(file), () => {
    // A save is several events. Whatever changes after the document was read is an event again, so nothing is missed;
    // but who deploys documents should rename them into place, because half a document may be a good one.
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      reload();
    }, 50);
  });
}

/** What a user is answered. A real service knows user and plan from its session, and asks no one for them. */
function answer(query) {
  const user = query.get('user');
  const decision = snapshot.decision('greeting', user, { plan: query.get('plan') }, Date.now());
  // A decision never throws. It has no value when the document no longer has the flag: then the fallback is ours.
  const greeting = `${decision.value ?? 'Hello'}, ${user ?? 'stranger'}`;
  return { greeting, decision, snapshot: snapshot.digest };
}

const server = createServer((request, response) => {
  const [path, query] = request.url.split('?');
  if (path !== '/') return response.writeHead(404).end();
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(answer(new URLSearchParams(query)))}\n`);
});

load(); // a service that has never had a good document does not start
follow();
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`engine: ${engine.name}`);
  console.log(`http://127.0.0.1:${server.address().port}/?user=alice&plan=pro`);
});
