// Serves the page by Vite, and the document that it follows: `node examples/react/serve.js [DOCUMENT]`. PORT is where; 0 takes any free port.

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { createServer } from 'vite';

const folder = new URL('.', import.meta.url);
const document = process.argv[2] ?? fileURLToPath(new URL('flags.yaml', folder));

/** The document lies wherever the one who starts this says. */
const flags = {
  name: 'flags',
  configureServer: ({ middlewares }) =>
    void middlewares.use('/flags.yaml', async (_, response, next) => {
      const text = await readFile(document).catch(next);
      if (text) response.setHeader('content-type', 'text/yaml').end(text);
    }),
};

const server = await createServer({
  root: fileURLToPath(folder),
  configFile: false,
  cacheDir: fileURLToPath(new URL('../../target/vite', folder)),
  logLevel: 'error',
  // What changes here are flags, and those the page follows by itself.
  server: { host: '127.0.0.1', port: Number(process.env.PORT ?? 8080), hmr: false, watch: null },
  plugins: [flags],
});
await server.listen();
console.log(`http://127.0.0.1:${server.httpServer.address().port}/ follows ${document}`);
