import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Codec } from '@sync/shared/contracts/codec'
import { CONTRACT_TOPICS, type ContractTopic, type TopicName } from '@sync/shared/kafka/topics'
import type { Admin, Kafka } from 'kafkajs'

export interface LoggedRecord {
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly headers: Readonly<Record<string, string>>
  /** Decoded where the topic has a contract, and the bytes keep it; else null. */
  readonly value: unknown
  /** When it was read here, ms since the epoch. */
  readonly at: number
}

/** What arrives on topics from the start on, as another system would read it. */
export interface TopicLog {
  records(topic: TopicName): readonly LoggedRecord[]
  /** The first record, past or future, that answers true. Rejects when the signal aborts. */
  next(matches: (record: LoggedRecord) => boolean, signal: AbortSignal): Promise<LoggedRecord>
  /** Resolves once everything that is on the topics now has been read. Rejects when the signal aborts. */
  untilCaughtUp(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

export interface TopicLogOptions {
  readonly kafka: Kafka
  /** Connected. */
  readonly admin: Admin
  readonly codec: Codec
  readonly prefix: string
  readonly topics: readonly TopicName[]
}

/** Reads from now on; the topics exist. */
export async function startTopicLog({ kafka, admin, codec, prefix, topics }: TopicLogOptions): Promise<TopicLog> {
  const records: LoggedRecord[] = []
  const waiting = new Set<() => void>()
  const physical = new Map(topics.map((topic) => [prefix + topic, topic]))
  const endsOf = async () => {
    const listed = await Promise.all(topics.map((topic) => admin.fetchTopicOffsets(prefix + topic)))
    const ends = listed.flatMap((partitions, i) =>
      partitions.map(({ partition, high }) => [`${topics[i]}/${partition}`, Number(high)] as const),
    )
    return new Map(ends)
  }
  const begins = await onceLed(endsOf)
  const read = new Map(begins)

  const until = <T>(look: () => T | undefined, signal: AbortSignal): Promise<T> =>
    new Promise((resolve, reject) => {
      const tell = () => {
        const found = look()
        if (found === undefined) return
        end()
        resolve(found)
      }
      const giveUp = () => {
        end()
        reject(signal.reason)
      }
      const end = () => {
        waiting.delete(tell)
        signal.removeEventListener('abort', giveUp)
      }
      if (signal.aborted) return giveUp()
      signal.addEventListener('abort', giveUp)
      waiting.add(tell)
      tell()
    })

  const groupId = `${prefix}demo-${randomUUID()}`
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 })
  await consumer.connect()
  await consumer.subscribe({ topics: [...physical.keys()], fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic: name, partition, message }) => {
      const topic = physical.get(name)!
      const offset = Number(message.offset)
      if (offset < (begins.get(`${topic}/${partition}`) ?? 0)) return
      const at = Date.now()
      records.push({
        topic,
        partition,
        offset,
        key: message.key?.toString() ?? null,
        headers: Object.fromEntries(Object.entries(message.headers ?? {}).map(([name, text]) => [name, String(text)])),
        value: hasContract(topic) && message.value ? await codec.decode(topic, message.value).catch(() => null) : null,
        at,
      })
      read.set(`${topic}/${partition}`, offset + 1)
      for (const tell of [...waiting]) tell()
    },
  })

  return {
    records: (topic) => records.filter((record) => record.topic === topic),
    next: (matches, signal) => until(() => records.find(matches), signal),
    async untilCaughtUp(signal) {
      const ends = await endsOf()
      await until(() => [...ends].every(([place, end]) => (read.get(place) ?? 0) >= end) || undefined, signal)
    },
    async stop() {
      await consumer.disconnect()
      await admin.deleteGroups([groupId]).catch(() => undefined)
    },
  }
}

const LED_AFTER_MS = 100
const LED_ATTEMPTS = 100

/** A partition that was made a moment ago may still be without a leader, and the admin client doesn't ask again. */
async function onceLed<T>(ask: () => Promise<T>, attempt = 1): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    const { retriable } = error as { retriable?: boolean }
    if (retriable !== true || attempt === LED_ATTEMPTS) throw error
    await delay(LED_AFTER_MS)
    return onceLed(ask, attempt + 1)
  }
}

const hasContract = (topic: TopicName): topic is ContractTopic => (CONTRACT_TOPICS as readonly string[]).includes(topic)
