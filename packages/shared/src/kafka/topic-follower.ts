import { setTimeout as delay } from 'node:timers/promises'
import type { Consumer, Kafka } from 'kafkajs'
import { backoffAtLeastHalf } from '../backoff.ts'
import type { Codec } from '../contracts/codec.ts'
import type { ValueOf } from '../contracts/contracts.ts'
import { endInTime } from '../end-in-time.ts'
import { classifyFailure, SyncError } from '../errors.ts'
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
  /** Called with each value, in the order of its partition, except tombstones and values that break their contract. */
  readonly take: (value: ValueOf<T>) => void
}

export interface TopicFollower {
  /** Reads the topic to its end, and goes on reading what is written. May be called again when it has failed. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** The ceiling of the first wait. */
const FIRST_WAIT_MS = 200
/** Far below the session timeout of 30 s, because no heartbeat is sent during a wait. */
const LONGEST_WAIT_MS = 5_000
const TELL_EVERY = 12

/** Reads a small compacted topic from its beginning, so that each process holds all of it in memory. */
export function createTopicFollower<T extends ContractTopic>(options: TopicFollowerOptions<T>): TopicFollower {
  const { kafka, codec, groupId, logger } = options
  const topic = options.prefix + options.topic
  let reader: Consumer | null = null
  let isRead = false
  let stopped: Promise<unknown> | null = null
  const stopping = new AbortController()

  const ends = (): Promise<Map<number, number>> =>
    withAdmin(kafka, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return new Map(
        offsets
          .filter(({ high, low }) => Number(high) > Number(low))
          .map(({ partition, high }) => [partition, Number(high)]),
      )
    })

  /** Waits for the registry. A record may be a tripped absence guard, so that no record may be left out because of an outage. */
  const decode = async (value: Buffer, heartbeat: () => Promise<void>): Promise<ValueOf<T>> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await codec.decode(options.topic, value)
      } catch (error) {
        if (classifyFailure(error) !== 'outage') throw error
        if (attempt % TELL_EVERY === 0) {
          logger.warn({ err: error }, `waiting for the schema registry: a record of ${topic} cannot be read`)
        }
        const random = Math.random
        const waitMs = backoffAtLeastHalf(attempt, { baseMs: FIRST_WAIT_MS, capMs: LONGEST_WAIT_MS, random })
        await delay(waitMs, undefined, { signal: stopping.signal })
        await heartbeat()
      }
    }
  }

  const take = async (value: Buffer, heartbeat: () => Promise<void>) => {
    let decoded: ValueOf<T>
    try {
      decoded = await decode(value, heartbeat)
    } catch (error) {
      if (stopping.signal.aborted) return
      if (!(error instanceof SyncError && error.code === 'contract-violation')) throw error
      logger.warn({ err: error, topic }, 'a record that breaks its contract is left out')
      return
    }
    options.take(decoded)
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
          eachBatch: async ({ batch, heartbeat }) => {
            for (const { value } of batch.messages) {
              if (value !== null) await take(value, heartbeat)
              if (stopping.signal.aborted) return
            }
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
      stopping.abort()
      const leave = async () => {
        await reader?.disconnect()
        await withAdmin(kafka, (admin) => admin.deleteGroups([groupId]).catch(() => []))
      }
      stopped ??= endInTime(leave())
      await stopped
    },
  }
}
