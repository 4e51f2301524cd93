import { createMetrics } from '@sync/shared/metrics'
import { expect, it } from 'vitest'
import { memoryParts } from './memory-parts.ts'

it('reads the parts of the memory from the metrics of a service', async () => {
  const { text: page } = await createMetrics('flow-ingest').render()

  expect(memoryParts(page, 12)).toMatch(
    /^at 12 s: heap used [1-9]\d*, heap [1-9]\d*, new space [1-9]\d*, external [1-9]\d*$/,
  )
  expect(memoryParts('', 12)).toBe('at 12 s, no metrics')
})
