import fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { expect, it } from 'vitest'
import { partitionOf } from './partition-of.ts'

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
    }),
    { numRuns: 1_000 },
  )
})
