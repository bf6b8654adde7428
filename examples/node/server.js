// A service that greets as a flag says, and follows its document while it is edited: `node examples/node/server.js [DOCUMENT]`.
// PORT is where it listens; 0 takes any free port.

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { createFeatures } from '@flcm/features';

const file = process.argv[2] ?? fileURLToPath(new URL('flags.yaml', import.meta.url));

// Last known good: whatever is wrong with an edit, the flags before it go on deciding. Who deploys documents should rename
// them into place, because half a document may be a good one.
const features = await createFeatures({ file }, { error: (error) => console.error(`${error.code}: ${error.message}`) });
if (features.snapshot === undefined) process.exit(1); // a service that has never had a good document does not start
features.on('change', ({ flags, to }) =>
  console.log(`${flags.join(', ') || 'no flag'} changed: snapshot ${to} is in use`),
);

/** What a user is answered. A real service knows user and plan from its session, and asks no one for them. */
function answer(query) {
  const user = query.get('user');
  const decision = features.decision('greeting', user, { plan: query.get('plan') });
  // A decision never throws. It has no value when the document no longer has the flag: then the fallback is ours.
  const greeting = `${decision.value ?? 'Hello'}, ${user ?? 'stranger'}`;
  return { greeting, decision, snapshot: features.snapshot.digest };
}

const server = createServer((request, response) => {
  const [path, query] = request.url.split('?');
  if (path !== '/') return response.writeHead(404).end();
  response.setHeader('content-type', 'application/json');
  response.end(`${JSON.stringify(answer(new URLSearchParams(query)))}\n`);
});

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`engine: ${features.engine}`);
  console.log(`http://127.0.0.1:${server.address().port}/?user=alice&plan=pro`);
});
