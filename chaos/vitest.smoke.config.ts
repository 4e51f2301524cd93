import { defineConfig } from 'vitest/config'

/** The short run of the whole: by itself, because it needs the machine. */
export default defineConfig({
  test: {
    include: ['src/**/*.chaos.test.ts'],
    // A limit for what hangs, far above what it takes on a busy machine.
    testTimeout: 600_000,
    teardownTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: '.test-results/vitest-smoke.json' }]],
  },
})
