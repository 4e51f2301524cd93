import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

test.each([
  'classify',
  'decide',
  'decide-flow',
  'differences',
  'effect-of',
  'emptiness',
  'kept-elements',
  'made-in-flow',
  'map-to-flow',
  'map-to-omnium',
  'merge-elements',
  'omnium-write',
  'pending-removals',
  'recent',
  'refused-creates',
  'sync-properties',
])('%s.ts is a pure function of its data', async (file) => {
  const source = await readFile(new URL(`./${file}.ts`, import.meta.url), 'utf8')

  expect(source).not.toMatch(/from '(node:|kafkajs|undici|pino|prom-client)/)
  expect(source).not.toMatch(/Date\.now|new Date|performance\.|Math\.random|crypto\.|process\./)
})
