// Builds the dashboard; `just dashboard` puts it into the crate that embeds it.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The file `pages/flag/page.tsx` becomes `flag`, because a download is named by what it is for. */
const chunkName = (module) => /\/(\w+)\/page\.tsx$/.exec(module ?? '')?.[1];

export default defineConfig({
  root: here('.'),
  base: '/ui/',
  build: {
    outDir: here('../target/dashboard'),
    emptyOutDir: true,
    target: 'es2022',
    // The page's policy allows no `data:` for scripts and styles, and no script that a build puts into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: { chunkFileNames: ({ facadeModuleId, name }) => `assets/${chunkName(facadeModuleId) ?? name}-[hash].js` },
    },
  },
  worker: { format: 'es' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  server: { proxy: { '^/(?!ui/)': 'http://127.0.0.1:8788' } },
});
