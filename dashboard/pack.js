// After the build: each file also as `.gz` and `.br`, because the server compresses nothing itself, and
// `manifest.json`, which says for which API the dashboard was made. A build of `flcm` embeds only what was made for its
// own.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'target/dashboard');

/** `GET /meta` names the same hash. */
const contract = createHash('sha256')
  .update(readFileSync(join(root, 'schema/openapi.json')))
  .digest('hex');

const compressed = {
  '.gz': (bytes) => gzipSync(bytes, { level: 9 }),
  '.br': (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
};

const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !/\.(gz|br)$|^manifest\.json$/.test(entry.name))
  .map((entry) => relative(dist, join(entry.parentPath, entry.name)))
  .sort();

for (const file of files) {
  const bytes = readFileSync(join(dist, file));
  for (const [ending, compress] of Object.entries(compressed))
    writeFileSync(join(dist, file + ending), compress(bytes));
}
writeFileSync(join(dist, 'manifest.json'), `${JSON.stringify({ contract, files }, null, 2)}\n`);
console.log(`${files.length} files in ${relative(root, dist)}`);
