import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { CONTRACTS } from '../contracts/contracts.ts'
import { CONTRACT_TOPICS, SERVICES, TOPICS, type TopicSpec } from './topics.ts'

const DAY_MS = 86_400_000

const cleanup = ({ config }: TopicSpec) =>
  config['cleanup.policy'] === 'compact'
    ? config['min.compaction.lag.ms'] === '0'
      ? 'compact'
      : `compact, min lag ${Number(config['min.compaction.lag.ms']) / DAY_MS} d, max lag ${Number(config['max.compaction.lag.ms']) / DAY_MS} d`
    : `delete, ${Number(config['retention.ms']) / DAY_MS} d`

/** The README's table; per-service topics are one row. */
function table(): string {
  const rows = TOPICS.filter(({ name }) => !SERVICES.slice(1).some((service) => name.startsWith(`${service}.`))).map(
    (spec) => {
      const name = spec.name.replace('flow-ingest.', '<service>.')
      return `| \`${name}\` | ${spec.key} | ${spec.value} | ${cleanup(spec)} |`
    },
  )
  return ['| topic | key | value | cleanup |', '|---|---|---|---|', ...rows].join('\n')
}

test("the README's topic table is the table in code", () => {
  const readme = readFileSync(resolve(import.meta.dirname, '../../../../README.md'), 'utf8')

  const shown = /<!-- topics: begin[^>]*-->\n([\s\S]*?)\n?<!-- topics: end -->/.exec(readme)?.[1]

  expect(shown).toBe(table())
})

test('every contract has a topic, and every topic of the table stands there once', () => {
  expect(Object.keys(CONTRACTS).toSorted()).toEqual([...CONTRACT_TOPICS].toSorted())
  const names = TOPICS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const topic of CONTRACT_TOPICS) expect(names).toContain(topic)
})
