import { defineConfig, type ViteUserConfig } from 'vitest/config';

const config: ViteUserConfig = defineConfig({
  test: {
    include: ['tests/features/**/*.test.ts', 'tests/openfeature/**/*.test.ts', 'tests/server/**/*.test.ts'],
    // Engines are native: a thread of its own has one of its own.
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 60_000,
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
