import type { Stack } from '@sync/sandbox/stack'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { createCursorStore } from '@sync/shared/kafka/cursor-store'
import { createProducer } from '@sync/shared/kafka/producer'
import { createPublisher } from '@sync/shared/kafka/publisher'
import { createLogger } from '@sync/shared/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack, startOwnStack } from './stack.ts'

describe.runIf(sharedStack().mode === 'jvm')('the marks of the sweeps', () => {
  const prefix = newTopicPrefix('marks')
  let stack: Stack
  beforeAll(async () => {
    stack = await startOwnStack()
  })
  afterAll(() => stack?.stop())

  it('that the broker does not give are read when it is asked again', async () => {
    const connection = { kafkaBrokers: stack.brokers, kafkaSsl: false } as never
    const kafka = createKafka(connection, { clientId: 'marks', retries: 1 })
    const contracts = createContracts({ registryUrl: stack.registryUrl, prefix })
    const admin = kafka.admin()
    await admin.connect()
    await applyTopics(admin, contracts, { prefix, partitions: 3 })
    await admin.disconnect()
    const producer = createProducer({ kafka, deadlineMs: 10_000 })
    await producer.connect()
    const publisher = createPublisher({
      ...{ producer, prefix, encode: contracts.codec.encode, source: 'marks', now: Date.now },
      ...{ newEventId: () => 'id', newTraceparent: () => 'trace' },
    })
    const storeOf = (groupId: string) =>
      createCursorStore({
        ...{ kafka, codec: contracts.codec, publisher, prefix, groupId },
        logger: createLogger({ service: 'e2e', level: 'silent' }),
      })
    const mark = '2026-01-01T00:00:00.000Z'
    const writer = storeOf(`${prefix}writer`)
    await writer.start()
    await writer.put({ tenant: 'acme', source: 'flow', entity: 'customers', mark, sweptAt: mark })
    await writer.stop()

    const reader = storeOf(`${prefix}reader`)
    await stack.kafka!.stop('SIGKILL')
    await expect(reader.start()).rejects.toThrow('ECONNREFUSED')
    await stack.kafka!.start()
    await eventually('the marks', () =>
      reader.start().then(
        () => true,
        () => false,
      ),
    )

    expect(await reader.get('acme', 'flow', 'customers')).toMatchObject({ mark })
    await reader.stop()
    await producer.disconnect()
  })
})
