import { expect, it } from 'vitest'
import { createEventLoopTurns } from '../event-loop-turns.ts'
import { handOver } from './hand-over.ts'
import type { SourceBatch } from './ports.ts'

const batchOf = (count: number) => ({
  topic: 'flow.customers.v1',
  partition: 3,
  highWatermark: '5000',
  messages: Array.from({ length: count }, (_, n) => ({
    ...{ offset: String(n), key: null, value: null, timestamp: '7', attributes: 0, headers: {} },
  })),
  // Behind the last record, because of a control record.
  lastOffset: () => String(count),
})
const always = createEventLoopTurns(() => Number.POSITIVE_INFINITY)

it('the records of a fetch are handed over in parts, of which the last one ends where the fetch ends', async () => {
  const parts: SourceBatch[] = []

  const isDone = await handOver(
    batchOf(2_500),
    always,
    (part) => parts.push(part),
    () => true,
  )

  expect(isDone).toBe(true)
  expect(parts.map(({ records, lastOffset }) => [records.length, lastOffset])).toEqual([
    [1_000, 999],
    [1_000, 1_999],
    [500, 2_500],
  ])
  expect(
    parts.every(
      ({ topic, partition, endOffset }) => topic === 'flow.customers.v1' && partition === 3 && endOffset === 5_000,
    ),
  ).toBe(true)
  expect(parts.flatMap(({ records }) => records.map(({ offset }) => offset))).toEqual(
    Array.from({ length: 2_500 }, (_, n) => n),
  )
})

it('the rest of a fetch is left once it is not wanted any more', async () => {
  const parts: SourceBatch[] = []

  const isDone = await handOver(
    batchOf(2_500),
    always,
    (part) => parts.push(part),
    () => parts.length < 2,
  )

  expect(isDone).toBe(false)
  expect(parts).toHaveLength(2)
})
