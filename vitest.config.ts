import { defineConfig } from 'vitest/config'

/** `vitest` in the root's folder runs the unit tests of all packages, and those of the scripts. */
export default defineConfig({
  test: {
    projects: [
      'packages/*',
      'services/*',
      'bench',
      'chaos',
      { test: { name: 'scripts', include: ['scripts/**/*.test.mjs'], testTimeout: 30_000 } },
    ],
    reporters: ['default', ['json', { outputFile: '.test-results/vitest.json' }]],
  },
})
