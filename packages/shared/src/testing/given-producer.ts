import { expect } from 'vitest'
import { SyncError } from '../errors.ts'
import type { Fence } from '../http/call.ts'
import type { WriteResult } from '../kafka/leader-queue.ts'
import type { RawMessage } from '../kafka/ports.ts'
import type { TopicLeaders } from '../kafka/produce-cluster.ts'
import { type ClusterProducerOptions, createClusterProducer } from '../kafka/producer.ts'
import { createFakeProduceCluster } from './fake-produce-cluster.ts'
import { createManualTime } from './manual-time.ts'

export const DEADLINE_MS = 1_000

export async function givenProducer(
  topics: Record<string, TopicLeaders>,
  options: Partial<ClusterProducerOptions> = {},
) {
  const time = createManualTime()
  const fake = createFakeProduceCluster(topics)
  const results: WriteResult[] = []
  const producer = createClusterProducer({
    ...{ cluster: fake.cluster, deadlineMs: DEADLINE_MS, now: time.now, wallClock: time.now, schedule: time.schedule },
    observe: (result) => results.push(result),
    ...options,
  })
  await producer.connect()
  const sendAll = (messages: readonly (Partial<RawMessage> & { topic: string })[], fence?: Fence) =>
    producer.send(
      messages.map((message) => ({ key: 'k', value: Buffer.from('v'), headers: {}, ...message })),
      fence,
    )
  const send = (topic: string, value: string, { partition = 0, fence }: { partition?: number; fence?: Fence } = {}) =>
    sendAll([{ topic, partition, value: Buffer.from(value) }], fence)
  const sent = () =>
    fake.requests.map(({ request }) =>
      request.batches.flatMap(({ topic, records }) => records.map(({ value }) => `${topic} ${value}`)),
    )
  return { time, fake, results, producer, send, sendAll, sent }
}

export const endsOf = (results: readonly PromiseSettledResult<void>[]) =>
  results.map((result) => {
    if (result.status === 'fulfilled') return 'stored'
    expect(result.reason).toBeInstanceOf(SyncError)
    return `${result.reason.code}: ${result.reason.message}`
  })
