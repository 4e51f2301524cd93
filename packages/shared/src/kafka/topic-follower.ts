import type { Consumer, Kafka } from 'kafkajs'
import type { Codec } from '../contracts/codec.ts'
import type { ValueOf } from '../contracts/contracts.ts'
import { endInTime } from '../end-in-time.ts'
import type { Logger } from '../logger.ts'
import { withAdmin } from './connect.ts'
import { denialOf } from './denials.ts'
import type { ContractTopic } from './topics.ts'

export interface TopicFollowerOptions<T extends ContractTopic> {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly topic: T
  /** TOPIC_PREFIX. */
  readonly prefix: string
  /** A reader's group of its own: nothing is committed in it, and it is deleted at the end. */
  readonly groupId: string
  readonly logger: Pick<Logger, 'warn'>
  /** Called with each value, in the order of its partition, except tombstones and values that cannot be read. */
  readonly take: (value: ValueOf<T>) => void
}

export interface TopicFollower {
  /** Reads the topic to its end, and goes on reading what is written. May be called again when it has failed. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Reads a small compacted topic from its beginning, so that each process holds all of it in memory. */
export function createTopicFollower<T extends ContractTopic>(options: TopicFollowerOptions<T>): TopicFollower {
  const { kafka, codec, groupId, logger } = options
  const topic = options.prefix + options.topic
  let reader: Consumer | null = null
  let isRead = false
  let stopped: Promise<unknown> | null = null

  const ends = (): Promise<Map<number, number>> =>
    withAdmin(kafka, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return new Map(
        offsets
          .filter(({ high, low }) => Number(high) > Number(low))
          .map(({ partition, high }) => [partition, Number(high)]),
      )
    })

  const take = async (value: Buffer) => {
    try {
      options.take(await codec.decode(options.topic, value))
    } catch (error) {
      logger.warn({ err: error, topic }, 'a record that cannot be read is left out')
    }
  }

  const read = async (consumer: Consumer) => {
    const left = await ends()
    await consumer.connect()
    await consumer.subscribe({ topics: [topic], fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      if (left.size === 0) resolve()
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) reject(payload.error)
      })
      consumer
        .run({
          autoCommit: false,
          eachBatch: async ({ batch }) => {
            for (const { value } of batch.messages) if (value !== null) await take(value)
            const end = left.get(batch.partition)
            if (end === undefined || Number(batch.lastOffset()) + 1 < end) return
            left.delete(batch.partition)
            if (left.size === 0) resolve()
          },
        })
        .catch(reject)
    })
  }

  return {
    async start() {
      // One that failed may be dead for good.
      const consumer = kafka.consumer({
        groupId,
        allowAutoTopicCreation: false,
        maxWaitTimeInMs: 1_000,
        // Until all is read, whoever waits for it is to hear of a refusal, and tries again.
        retry: { retries: 5, restartOnFailure: async (error) => isRead || denialOf(error) === null },
      })
      reader = consumer
      try {
        await read(consumer)
        isRead = true
      } catch (error) {
        await endInTime(consumer.disconnect())
        throw error
      }
    },
    async stop() {
      const leave = async () => {
        await reader?.disconnect()
        await withAdmin(kafka, (admin) => admin.deleteGroups([groupId]).catch(() => []))
      }
      stopped ??= endInTime(leave())
      await stopped
    },
  }
}
