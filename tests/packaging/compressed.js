import { brotliCompressSync, gzipSync } from 'node:zlib';

/** The bytes of what is downloaded, each file compressed for itself, as servers do it. */
export function compressed(contents) {
  const sum = (sizeOf) => contents.reduce((bytes, content) => bytes + sizeOf(content), 0);
  return {
    raw: sum((content) => content.length),
    gzip: sum((content) => gzipSync(content, { level: 9 }).length),
    brotli: sum((content) => brotliCompressSync(content).length),
  };
}
