import { createRequire } from 'node:module'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { crc32c, encodeProduce, type PartitionBatch } from './produce-request.ts'

const internal = createRequire(import.meta.url)
const Decoder = internal('kafkajs/src/protocol/decoder.js')
const createRequest = internal('kafkajs/src/protocol/request.js')
const kafkaJsProduce = internal('kafkajs/src/protocol/requests/produce/v7/request.js')

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))
const record = fc.record({
  topic: fc.constant(''),
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.dictionary(fc.string({ maxLength: 8 }), fc.oneof(bytes, fc.string(), fc.array(bytes, { minLength: 1 }))),
})
const batches = fc
  .uniqueArray(fc.tuple(fc.constantFrom('a', 'bæ'), fc.nat(20)), { selector: ([t, p]) => `${t}/${p}`, minLength: 1 })
  .chain((places) =>
    fc.tuple(
      ...places.map(([topic, partition]) =>
        fc.record({
          ...{ topic: fc.constant(topic), partition: fc.constant(partition), firstSequence: fc.nat() },
          records: fc.array(record, { minLength: 1, maxLength: 4 }),
        }),
      ),
    ),
  )

/** The request as kafkajs encodes it, except for the leader's epoch, which kafkajs gives as 0 and Kafka's own client as -1. */
async function byKafkaJs(all: readonly PartitionBatch[], producerId: bigint, epoch: number, timestamp: number) {
  const topics = [...new Set(all.map(({ topic }) => topic))]
  const topicData = topics.map((topic) => ({
    topic,
    partitions: all
      .filter((batch) => batch.topic === topic)
      .map(({ partition, firstSequence, records }) => ({
        ...{ partition, firstSequence },
        messages: records.map((each) => ({ ...each, timestamp })),
      })),
  }))
  const request = kafkaJsProduce({
    ...{ acks: -1, timeout: 5_000, producerId: String(producerId), producerEpoch: epoch, compression: 0, topicData },
  })
  return (await createRequest({ correlationId: 7, clientId: 'tester', request })).buffer as Buffer
}

it('a request is encoded as kafkajs encodes it', async () => {
  await fc.assert(
    fc.asyncProperty(batches, fc.bigInt(0n, 2n ** 62n), fc.nat(32_767), async (all, producerId, epoch) => {
      const timestamp = 1_767_225_600_123
      const request = { producerId, epoch, timeoutMs: 5_000, timestamp, batches: all }

      const own = encodeProduce(request, 7, 'tester')

      const theirs = await byKafkaJs(all, producerId, epoch, timestamp)
      expect(withoutLeaderEpochs(own).equals(withoutLeaderEpochs(theirs))).toBe(true)
    }),
  )
})

/** Sets the leader's epoch of each batch to 0. The checksum does not cover this epoch. */
function withoutLeaderEpochs(request: Buffer): Buffer {
  const copy = Buffer.from(request)
  const decoder = new Decoder(copy)
  for (const read of ['readInt32', 'readInt16', 'readInt16', 'readInt32', 'readString', 'readString']) decoder[read]()
  decoder.readInt16()
  decoder.readInt32()
  decoder.readArray((topic: typeof decoder) => {
    topic.readString()
    topic.readArray((partition: typeof decoder) => {
      partition.readInt32()
      const size = partition.readInt32()
      copy.writeInt32BE(0, partition.offset + 12)
      partition.forward(size)
    })
  })
  expect(decoder.offset).toBe(copy.length)
  return copy
}

it('the checksum is CRC-32C', () => {
  expect(crc32c(Buffer.from('1234'), Buffer.from('56789'))).toBe(0xe306_9283)
})

it('a header of null has no bytes, and a header that is not set is left out', () => {
  const request = (headers: Record<string, Buffer | string | null | undefined>) =>
    encodeProduce(
      {
        ...{ producerId: 1n, epoch: 0, timeoutMs: 1, timestamp: 0 },
        batches: [
          { topic: 't', partition: 0, firstSequence: 0, records: [{ topic: 't', key: null, value: null, headers }] },
        ],
      },
      ...([1, 'c'] as const),
    )

  expect(request({ a: null, b: undefined })).toEqual(request({ a: Buffer.alloc(0) }))
})
