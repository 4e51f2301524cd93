import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const read = (file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const page = read('docs/edge-cases.md')

/** The last cell of each row: the file's name, and the test's full name. */
const named = [...page.matchAll(/\| ([\w-]+): `([^`]+)` \|$/gm)].map(([, file, test]) => [file, test])

it('every edge case names a test', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| '))

  expect(named.length).toBe(rows.length - 1)
  expect(named.length).toBeGreaterThan(20)
})

it.each(named)('the test of %s is there: %s', (file, test) => {
  const titles = [...read(`e2e/src/${file}.e2e.test.ts`).matchAll(/'([^'\n]+)'/g)].map(([, title]) => title)

  // Alone, or within a suite.
  const full = titles.flatMap((title) => [title, ...titles.map((suite) => `${suite} ${title}`)])
  expect(full.includes(test), test).toBe(true)
})
