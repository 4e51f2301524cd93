import type { Publisher } from '@sync/shared/kafka/publisher'
import { createLogger } from '@sync/shared/logger'
import { createTenants } from '@sync/shared/tenants'
import { aTenant } from '@sync/shared/testing/builders'
import type { EachBatchHandler, Kafka } from 'kafkajs'
import { expect, test } from 'vitest'
import { createEventsTopicReader } from './events-topic.ts'
import { parseOmniumTopicEvent } from './webhook.ts'

/** Hands over what a fetch brings, without a broker; answers what was published and resolved, in order. */
async function given({ refuseAfter = Number.POSITIVE_INFINITY } = {}) {
  const running = Promise.withResolvers<EachBatchHandler>()
  const kafka = {
    consumer: () => ({
      ...{ async connect() {}, async subscribe() {}, async disconnect() {} },
      run: async ({ eachBatch }: { eachBatch: EachBatchHandler }) => running.resolve(eachBatch),
    }),
    admin: () => ({
      ...{ async connect() {}, async disconnect() {} },
      fetchTopicMetadata: async () => ({ topics: [{ name: 'omnium-events', partitions: [{ replicas: [1] }] }] }),
    }),
  }
  const steps: string[] = []
  let published = 0
  const publisher: Pick<Publisher, 'publish'> = {
    async publish(_topic, messages) {
      if (published >= refuseAfter) throw new Error('no broker')
      published += messages.length
      steps.push(`published ${messages.length}`)
    },
  }
  const { omnium } = aTenant()
  const reader = createEventsTopicReader({
    ...{ kafka: kafka as unknown as Kafka, groupId: 'g', sessionTimeoutMs: 20_000, publisher },
    ...{ tenants: () => createTenants([aTenant({ omnium: { ...omnium, eventsTopic: 'omnium-events' } })]) },
    ...{ parse: parseOmniumTopicEvent, count() {}, now: Date.now },
    logger: createLogger({ service: 'test', level: 'silent' }),
  })
  await reader.start()
  const eachBatch = await running.promise
  const take = (count: number) => {
    const value = Buffer.from(JSON.stringify({ objectId: '1', className: 'PrivateCustomer', category: 'Updated' }))
    const messages = Array.from({ length: count }, (_, offset) => ({ offset: String(offset), value }))
    return eachBatch({
      batch: { topic: 'omnium-events', messages, lastOffset: () => String(count + 1) },
      resolveOffset: (offset: string) => steps.push(`resolved ${offset}`),
      heartbeat: async () => void steps.push('heartbeat'),
    } as never)
  }
  return { take, steps, stop: () => reader.stop() }
}

test('a backlog is written bit by bit, for a fetch holds more than a batch of ours may', async () => {
  const { take, steps, stop } = await given()

  await take(1_100)

  expect(steps).toEqual([
    ...['published 500', 'resolved 499', 'heartbeat'],
    ...['published 500', 'resolved 999', 'heartbeat'],
    ...['published 100', 'resolved 1099', 'heartbeat'],
    'resolved 1101',
  ])
  await stop()
})

test('what could not be written is read again, and nothing before it', async () => {
  const { take, steps, stop } = await given({ refuseAfter: 500 })

  await expect(take(1_100)).rejects.toThrow('no broker')

  expect(steps).toEqual(['published 500', 'resolved 499', 'heartbeat'])
  await stop()
})
