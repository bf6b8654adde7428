// Builds the dashboard into the crate that embeds it. `--mode dev` takes the engine of dev/ for what the engine does not
// answer in the page yet.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The file `pages/flag/page.tsx` becomes `flag`, because a download is named by what it is for. */
const chunkName = (module) => /\/(\w+)\/page\.tsx$/.exec(module ?? '')?.[1];

export default defineConfig(({ mode }) => ({
  root: here('.'),
  base: '/ui/',
  build: {
    outDir: mode === 'dev' ? here('../target/dashboard') : here('../crates/flcm-dashboard/dist'),
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
  define: { __DEV_ENGINE__: JSON.stringify(mode === 'dev') },
  server: { proxy: { '^/(?!ui/)': 'http://127.0.0.1:8788' } },
}));
