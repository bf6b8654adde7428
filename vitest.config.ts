import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { LeftOut } from './tests/hosts/kit/left-out.ts';
import { HOST } from './tests/hosts/kit/which.ts';

const config: ViteUserConfig = defineConfig({
  test: {
    // Hosts in other languages have the fault suite; everything else is TypeScript's and JavaScript's.
    include: [HOST === 'typescript' ? 'tests/*/**/*.test.{js,ts}' : 'tests/hosts/**/*.test.ts'],
    setupFiles: HOST === 'page' ? ['tests/hosts/kit/page-setup.ts'] : [],
    // Engines are native: a thread of its own has one of its own.
    pool: 'forks',
    // The packages are tested as Node loads them.
    server: { deps: { external: [/\/pkg\/(node|web)\/dist\//, /\/target\/bindings\//] } },
    reporters: HOST === 'typescript' ? ['default'] : ['default', new LeftOut()],
    // A limit for what hangs, not for what takes long on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
  resolve: {
    alias: {
      '@flcm/features': new URL('.flcm-core/features/index.ts', import.meta.url).pathname,
      '@flcm/openfeature-server': new URL('pkg/openfeature-server/src/index.ts', import.meta.url).pathname,
      '@flcm/openfeature-web': new URL('pkg/openfeature-web/src/index.ts', import.meta.url).pathname,
    },
  },
});

export default config;
