import { isDeepStrictEqual } from 'node:util'
import { endInTime } from '@sync/shared/end-in-time'
import type { ParseEvent } from '@sync/shared/http/event-fields'
import { withAdmin } from '@sync/shared/kafka/connect'
import { keyOf, type Message, type Publisher } from '@sync/shared/kafka/publisher'
import { readTopics } from '@sync/shared/kafka/read-topics'
import type { Part } from '@sync/shared/lifecycle'
import type { Logger } from '@sync/shared/logger'
import type { Tenants } from '@sync/shared/tenants'
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs'

export interface EventsTopicOptions {
  readonly kafka: Kafka
  /** A group of its own: these topics are Omnium's, with partitions and keys that have nothing to do with ours. */
  readonly groupId: string
  /** After which another member reads on for one that was killed. */
  readonly sessionTimeoutMs: number
  readonly tenants: () => Tenants
  readonly publisher: Pick<Publisher, 'publish'>
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
/** A fetch from a topic with a history brings more than a partition of ours takes in one batch. */
const MAX_AT_ONCE = 500
type NotificationMessage = Message<'omnium.notifications.v1'>

/**
 * Reads the topics on which Omnium publishes its events (`omnium.eventsTopic`) and writes each event as the notification
 * that its webhook would have become. An event is committed past once its notification is acknowledged; one that comes
 * twice is harmless. A topic that isn't there yet holds up nothing: it is asked for again.
 */
export function createEventsTopicReader(options: EventsTopicOptions): EventsTopicReader {
  const { kafka, groupId, sessionTimeoutMs, publisher, parse, count, logger, now } = options
  let consumer: Consumer | null = null
  let named: readonly string[] = []
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
    for (let from = 0; from < batch.messages.length; from += MAX_AT_ONCE) {
      const some = batch.messages.slice(from, from + MAX_AT_ONCE)
      const messages = some.flatMap(({ value }) => read(batch.topic, value))
      await publisher.publish('omnium.notifications.v1', messages)
      resolveOffset(some.at(-1)!.offset)
      await heartbeat()
    }
    resolveOffset(batch.lastOffset())
  }

  const end = async () => {
    clearTimeout(timer)
    const ending = consumer
    consumer = null
    if (ending !== null) await endInTime(ending.disconnect())
  }

  /** Those of the topics that are there: a consumer of several reads none of them while one is missing. */
  const existing = (names: readonly string[]): Promise<string[]> =>
    withAdmin(kafka, async (admin) => [...(await readTopics(admin, names)).keys()])

  const later = (look: () => void) => {
    if (!stopped) timer = setTimeout(look, RETRY_MS)
  }
  const lookFor = async (missing: readonly string[]): Promise<void> => {
    const found = await existing(missing).catch(() => [])
    if (found.length > 0) change()
    else later(() => void lookFor(missing))
  }

  /** A consumer can't leave a topic: other topics are read by another one. */
  const begin = async () => {
    await end()
    named = topics()
    if (stopped || named.length === 0) return
    try {
      const found = await existing(named)
      const missing = named.filter((topic) => !found.includes(topic))
      if (missing.length > 0) {
        logger.warn(
          { topics: missing },
          'these events topics are not there, or not for us to read (ACLs?): looking again and again',
        )
        later(() => void lookFor(missing))
      }
      if (found.length > 0) await consume(found)
    } catch (error) {
      logger.error({ err: error, topics: named }, 'reading the events topics failed, trying again')
      clearTimeout(timer)
      later(() => change())
    }
  }
  const consume = async (names: readonly string[]) => {
    consumer = kafka.consumer({
      groupId,
      allowAutoTopicCreation: false,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 10)),
      maxWaitTimeInMs: 250,
      retry: { retries: 5, restartOnFailure: async () => true },
    })
    await consumer.connect()
    await consumer.subscribe({ topics: [...names], fromBeginning: true })
    await consumer.run({ eachBatch: take, eachBatchAutoResolve: false })
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
    tenantsChanged: () => change(() => started && !isDeepStrictEqual(topics(), named)),
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
