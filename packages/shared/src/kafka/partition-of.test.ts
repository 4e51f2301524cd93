import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { expect, it } from 'vitest'
import { createPartitioner, partitionOf } from './partition-of.ts'

const theirs = Partitioners.DefaultPartitioner()
const metadata = (partitions: number) =>
  Array.from({ length: partitions }, (_, partitionId) => ({
    ...{ partitionId, leader: 0, partitionErrorCode: 0, replicas: [], isr: [] },
  }))
const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
)

it('a key has the partition that every other client finds', () => {
  fc.assert(
    fc.property(key, fc.integer({ min: 1, max: 500 }), (key, partitions) => {
      const args = { topic: 't', partitionMetadata: metadata(partitions), message: { key, value: null } }

      expect(partitionOf(key, partitions)).toBe(theirs(args))
      expect(createPartitioner()(args)).toBe(theirs(args))
    }),
    { numRuns: 1_000 },
  )
})

it('a record that names its partition goes there, and one without a key anywhere', () => {
  const partition = createPartitioner()
  const to = (message: object) =>
    partition({ topic: 't', partitionMetadata: metadata(4), message: { value: null, ...message } })

  expect(to({ key: 'acme:1', partition: 3 })).toBe(3)
  expect(to({ key: 'acme:1', partition: 0 })).toBe(0)
  expect(new Set(Array.from({ length: 40 }, () => to({ key: null })))).toEqual(new Set([0, 1, 2, 3]))
})
