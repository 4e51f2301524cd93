import type { Admin, Kafka } from 'kafkajs'
import { expect, it } from 'vitest'
import { readTopicTails } from './topic-tail.ts'

it('is given up at once when a stop begins while the broker does not answer', async () => {
  const asked = Promise.withResolvers<void>()
  const admin: Partial<Admin> = {
    connect: async () => {},
    disconnect: async () => {},
    fetchTopicOffsetsByTimestamp: async () => [],
    fetchTopicOffsets: () => {
      asked.resolve()
      return new Promise(() => {})
    },
  }
  const stopping = new AbortController()
  const read = () =>
    readTopicTails({
      kafka: { admin: () => admin } as Kafka,
      ...{ topics: ['flow.customers.v1'], groupId: 'reader', sinceMs: 0, maxRecords: 10 },
      signal: stopping.signal,
      take: async () => {},
    })
  const reading = read()
  await asked.promise
  stopping.abort(new Error('stopping'))

  await expect(reading).rejects.toThrow('stopping')
  await expect(read()).rejects.toThrow('stopping')
})
