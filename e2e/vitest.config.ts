import { defineConfig } from 'vitest/config'

/** The tests that need a broker. One stack serves the whole run: src/global-setup.ts. */
export default defineConfig({
  test: {
    include: ['src/**/*.e2e.test.ts'],
    globalSetup: ['src/global-setup.ts'],
    // The broker and the registry share the machine with the tests.
    maxWorkers: 2,
    // Limits for what hangs, far above what any test takes on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    teardownTimeout: 60_000,
    // What differs is said whole: by the log alone it can be told what happened.
    chaiConfig: { truncateThreshold: 0 },
    reporters: ['default', ['json', { outputFile: '.test-results/vitest.json' }]],
  },
})
