import { isDeepStrictEqual } from 'node:util'
import type { ParseEvent } from '@sync/shared/http/event-fields'
import { keyOf, type Message, type Publisher } from '@sync/shared/kafka/publisher'
import type { Part } from '@sync/shared/lifecycle'
import type { Logger } from '@sync/shared/logger'
import type { Tenants } from '@sync/shared/tenants'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'

export interface EventsTopicOptions {
  readonly kafka: Kafka
  /** A group of its own: these topics are Omnium's, with partitions and keys that have nothing to do with ours. */
  readonly groupId: string
  readonly tenants: () => Tenants
  readonly publisher: Publisher
  readonly parse: ParseEvent
  /** Told once for each event. */
  readonly count: (answer: 'stored' | 'ignored' | 'not-an-event') => void
  readonly logger: Logger
  readonly now: () => number
}

export interface EventsTopicReader extends Part {
  /** The tenants file has changed: reads the topics that it names now. */
  tenantsChanged(): void
}

const RETRY_MS = 10_000
type NotificationMessage = Message<'omnium.notifications.v1'>

/**
 * Reads the topics on which Omnium publishes its events (`omnium.eventsTopic`) and writes each event as the notification
 * that its webhook would have become. An event is committed past once its notification is acknowledged; one that comes
 * twice is harmless. A topic that isn't there yet holds up nothing: it is asked for again.
 */
export function createEventsTopicReader(options: EventsTopicOptions): EventsTopicReader {
  const { kafka, groupId, publisher, parse, count, logger, now } = options
  let consumer: Consumer | null = null
  let reading: readonly string[] = []
  let started = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let changing: Promise<void> = Promise.resolve()

  const tenantsOf = (topic: string) =>
    options
      .tenants()
      .all()
      .filter(({ omnium }) => omnium.eventsTopic === topic)
  const topics = () =>
    [
      ...new Set(
        options
          .tenants()
          .all()
          .flatMap(({ omnium }) => omnium.eventsTopic ?? []),
      ),
    ].sort()

  const read = (topic: string, value: Buffer | null): NotificationMessage[] => {
    const body = parseObject(value)
    return tenantsOf(topic).flatMap(({ uid }) => {
      const event = body === null ? null : parse(body, uid, new Date(now()).toISOString())
      if (event?.kind === 'notification') {
        count('stored')
        return [{ key: keyOf(uid, event.notification.id), value: event.notification }]
      }
      count(event?.kind === 'ignored' ? 'ignored' : 'not-an-event')
      if (event?.kind !== 'ignored')
        logger.warn({ tenant: uid, topic }, 'an event of the events topic is left out: not an event')
      return []
    })
  }

  const take = async ({ batch, resolveOffset, heartbeat }: EachBatchPayload) => {
    const messages = batch.messages.flatMap(({ value }) => read(batch.topic, value))
    await publisher.publish('omnium.notifications.v1', messages)
    resolveOffset(batch.lastOffset())
    await heartbeat()
  }

  const end = async () => {
    clearTimeout(timer)
    const ending = consumer
    consumer = null
    await ending?.disconnect()
  }

  /** A consumer can't leave a topic: other topics are read by another one. */
  const begin = async () => {
    await end()
    reading = topics()
    if (stopped || reading.length === 0) return
    const next = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      maxWaitTimeInMs: 250,
      retry: { retries: 5, restartOnFailure: async () => true },
    })
    consumer = next
    try {
      await next.connect()
      await next.subscribe({ topics: [...reading], fromBeginning: true })
      await next.run({ eachBatch: take, eachBatchAutoResolve: false })
    } catch (error) {
      logger.error({ err: error, topics: reading }, 'reading the events topic failed, trying again')
      timer = setTimeout(() => change(), RETRY_MS)
    }
  }
  const change = (mayBegin = () => true) => {
    changing = changing
      .then(() => (mayBegin() ? begin() : undefined))
      .catch((error: unknown) => logger.error({ err: error }, 'changing the events topics failed'))
  }

  return {
    name: 'events-topic',
    async start() {
      started = true
      change()
    },
    tenantsChanged: () => change(() => started && !isDeepStrictEqual(topics(), reading)),
    async stop() {
      stopped = true
      clearTimeout(timer)
      await changing
      await end()
    },
  }
}

function parseObject(value: Buffer | null): object | null {
  try {
    const body: unknown = JSON.parse(value?.toString('utf8') ?? '')
    return typeof body === 'object' && body !== null && !Array.isArray(body) ? body : null
  } catch {
    return null
  }
}
