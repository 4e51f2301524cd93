import { randomUUID } from 'node:crypto'
import type { Stack } from '@sync/sandbox/stack'
import { createContracts } from '@sync/shared/contracts/registry'
import { applyTopics } from '@sync/shared/kafka/apply-topics'
import { createKafka } from '@sync/shared/kafka/connect'
import { createCursorStore } from '@sync/shared/kafka/cursor-store'
import { createProducer } from '@sync/shared/kafka/producer'
import { createPublisher } from '@sync/shared/kafka/publisher'
import { createLogger, type Logger } from '@sync/shared/logger'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { newTopicPrefix, sharedStack, startOwnStack } from './stack.ts'

const MARK = '2026-01-01T00:00:00.000Z'

describe.runIf(sharedStack().mode === 'jvm')('the marks of the sweeps', () => {
  let stack: Stack
  beforeAll(async () => {
    stack = await startOwnStack()
  })
  afterAll(() => stack?.stop())

  /** A mark on a topic of its own. A reader has a codec of its own, which knows no schema yet. */
  const givenMark = async (name: string) => {
    const prefix = newTopicPrefix(`marks-${name}`)
    const connection = { kafkaBrokers: stack.brokers, kafkaSsl: false } as never
    const kafka = createKafka(connection, { clientId: 'marks', retries: 1 })
    const contractsAnew = () => createContracts({ registryUrl: stack.registryUrl, prefix })
    const contracts = contractsAnew()
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
    const storeOf = (logger: Pick<Logger, 'warn'> = createLogger({ service: 'e2e', level: 'silent' })) =>
      createCursorStore({
        ...{ kafka, codec: contractsAnew().codec, publisher, prefix, groupId: `${prefix}${randomUUID()}`, logger },
      })
    const writer = storeOf()
    await writer.start()
    await writer.put({ tenant: 'acme', source: 'flow', entity: 'customers', mark: MARK, sweptAt: MARK })
    await writer.stop()
    return { storeOf, stop: () => producer.disconnect() }
  }

  it('that the broker does not give are read when it is asked again', async () => {
    const { storeOf, stop } = await givenMark('broker')
    const reader = storeOf()
    await stack.kafka!.stop('SIGKILL')
    await expect(reader.start()).rejects.toThrow('ECONNREFUSED')
    await stack.kafka!.start()
    await eventually('the marks', () =>
      reader.start().then(
        () => true,
        () => false,
      ),
    )

    expect(await reader.get('acme', 'flow', 'customers')).toMatchObject({ mark: MARK })
    await reader.stop()
    await stop()
  })

  it('are not passed over while the schema registry is down', async () => {
    const { storeOf, stop } = await givenMark('registry')
    await stack.registry!.stop()
    const waiting = Promise.withResolvers<void>()
    const reader = storeOf({
      warn(_fields: unknown, message?: string) {
        if (message?.startsWith('waiting for the schema registry')) waiting.resolve()
      },
    })

    const started = reader.start()
    await waiting.promise
    await stack.registry!.start()
    await started

    expect(await reader.get('acme', 'flow', 'customers')).toMatchObject({ mark: MARK })
    await reader.stop()
    await stop()
  })
})
