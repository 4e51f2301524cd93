import { createRequire } from 'node:module'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { mendKafkaJs } from './kafkajs-fixes.ts'

const ConsumerGroup = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup.js')

beforeAll(mendKafkaJs)

describe('a member', () => {
  it.each([
    ['back', -3_600_000],
    ['forward', 3_600_000],
  ])('heartbeats in its interval when the wall clock steps an hour %s', async (_, stepMs) => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    let beats = 0
    const group = new ConsumerGroup({
      ...{ retry: {}, cluster: {}, groupId: 'g', topics: [], topicConfigurations: {} },
      logger: { namespace: () => ({}) },
      instrumentationEmitter: { emit() {} },
    })
    Object.assign(group, { memberId: 'm', generationId: 1, coordinator: { heartbeat: async () => beats++ } })
    const beat = () => group.heartbeat({ interval: 1_000 })

    await vi.advanceTimersByTimeAsync(1_000)
    await beat()
    expect(beats).toBe(1)
    vi.setSystemTime(Date.now() + stepMs)
    await vi.advanceTimersByTimeAsync(1_000)
    await beat()
    expect(beats).toBe(2)
    await beat()
    expect(beats).toBe(2)
  })
})
