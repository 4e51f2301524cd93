import { defineConfig } from 'vitest/config'

/** How every package runs its unit tests. The report is what `npm test` counts at its end. */
export const unitTests = defineConfig({
  test: {
    include: ['src/**/*.test.ts'],
    // A limit for what hangs, far above what any test takes on a busy machine.
    testTimeout: 30_000,
    hookTimeout: 30_000,
    expect: { poll: { timeout: 20_000 } },
    passWithNoTests: true,
    reporters: ['default', ['json', { outputFile: '.test-results/vitest.json' }]],
  },
})
