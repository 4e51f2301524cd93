import type { Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { createProducer } from './producer.ts'

interface Batch {
  readonly topicMessages: readonly { readonly topic: string; readonly messages: readonly { value: unknown }[] }[]
}

/** A producer in front of a broker whose ACLs don't allow some topics; as kafkajs does, a request fails as a whole. */
function given(forbidden: Iterable<string>, { isNamed = true } = {}) {
  const denied = new Set(forbidden)
  const requests: string[][] = []
  const kafka = {
    producer: () => ({
      async connect() {},
      async disconnect() {},
      async sendBatch({ topicMessages }: Batch) {
        const topics = topicMessages.map(({ topic }) => topic)
        requests.push(topicMessages.flatMap(({ topic, messages }) => messages.map(({ value }) => `${topic} ${value}`)))
        const refusedTopics = topics.filter((topic) => denied.has(topic))
        if (refusedTopics.length === 0) return []
        throw Object.assign(new Error('not authorized'), {
          type: 'TOPIC_AUTHORIZATION_FAILED',
          ...(isNamed && { refusedTopics }),
        })
      },
    }),
  } as unknown as Kafka
  const producer = createProducer({ kafka, deadlineMs: 1_000 })
  const send = (topic: string, value: string) =>
    producer.send([{ topic, key: 'k', value: Buffer.from(value), headers: {} }])
  return { denied, requests, producer, send }
}

const failuresOf = (results: readonly PromiseSettledResult<void>[]) =>
  results.map((result) => {
    if (result.status === 'fulfilled') return 'stored'
    expect(result.reason).toBeInstanceOf(SyncError)
    return `${result.reason.code}: ${result.reason.message}`
  })

describe('a topic that no ACL lets us write', () => {
  it('is no fault of its record, and takes no other of the batch with it', async () => {
    const { requests, producer, send } = given(['orders'])

    const results = await Promise.allSettled([
      send('inbox', '1'),
      send('orders', '2'),
      send('orders', '3'),
      send('inbox', '4'),
    ])

    const refused =
      'kafka-unavailable: producing to kafka: no ACL allows us WRITE on topic orders (npx syncctl topics acls lists what is needed)'
    expect(failuresOf(results)).toEqual(['stored', refused, refused, 'stored'])
    expect(requests).toEqual([
      ['inbox 1', 'inbox 4', 'orders 2', 'orders 3'],
      ['inbox 1', 'inbox 4'],
    ])
    expect(producer.isHealthy()).toBe(true)
  })

  it('is told as the problem until a write is acknowledged', async () => {
    const { denied, producer, send } = given(['orders'])
    expect(producer.problem()).toBeNull()

    await send('orders', '1').catch(() => {})
    expect(producer.problem()).toContain('no ACL allows us WRITE on topic orders')
    denied.clear()
    await send('orders', '1')

    expect(producer.problem()).toBeNull()
  })

  it('is found one by one where the error names none', async () => {
    const { requests, send } = given(['orders'], { isNamed: false })

    const results = await Promise.allSettled([send('inbox', '1'), send('orders', '2'), send('inbox', '3')])

    expect(failuresOf(results)).toEqual(['stored', 'kafka-unavailable: producing to kafka: not authorized', 'stored'])
    expect(requests).toHaveLength(4)
  })
})
