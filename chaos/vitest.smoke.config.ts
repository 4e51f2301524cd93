import { defineConfig } from 'vitest/config'

/** The short run of the whole: by itself, because it needs the machine. */
export default defineConfig({
  test: {
    include: ['src/**/*.chaos.test.ts'],
    // The test ends a run that hangs before this limit, so that the failure shows its text.
    testTimeout: 900_000,
    teardownTimeout: 60_000,
    reporters: ['default', ['json', { outputFile: '.test-results/vitest-smoke.json' }]],
  },
})
