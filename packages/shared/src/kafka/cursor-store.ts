import type { Consumer, Kafka } from 'kafkajs'
import type { Codec } from '../contracts/codec.ts'
import type { SweepCursor } from '../contracts/sweep-cursor.ts'
import { endInTime } from '../end-in-time.ts'
import type { Logger } from '../logger.ts'
import type { CursorStore } from '../sweep.ts'
import { compareVersions } from '../version.ts'
import { withAdmin } from './connect.ts'
import { denialOf } from './denials.ts'
import { keyOf, type Publisher } from './publisher.ts'

export interface CursorStoreOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly publisher: Publisher
  readonly prefix: string
  /** A reader's group of its own: nothing is committed in it, and it is deleted at the end. */
  readonly groupId: string
  readonly logger: Logger
}

export interface KafkaCursorStore extends CursorStore {
  /** Reads the topic to its end, and goes on reading what other members write. May be called again when it has failed. */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Marks of sweeps in a compacted topic: each process holds all of them in memory. */
export function createCursorStore(options: CursorStoreOptions): KafkaCursorStore {
  const { kafka, codec, publisher, prefix, groupId, logger } = options
  const topic = `${prefix}sync.cursors.v1`
  const cursors = new Map<string, SweepCursor>()
  const keyOfCursor = (tenant: string, source: string, entity: string) => keyOf(tenant, `${source}:${entity}`)
  let reader: Consumer | null = null
  let isRead = false
  let stopped: Promise<unknown> | null = null

  /** An older mark is harmless, a newer one than was put loses changes: the last put of a key wins, as in the topic. */
  const take = (cursor: SweepCursor) => {
    const key = keyOfCursor(cursor.tenant, cursor.source, cursor.entity)
    const known = cursors.get(key)
    if (known === undefined || compareVersions(cursor.sweptAt, known.sweptAt) >= 0) cursors.set(key, cursor)
  }

  const ends = (): Promise<Map<number, number>> =>
    withAdmin(kafka, async (admin) => {
      const offsets = await admin.fetchTopicOffsets(topic)
      return new Map(
        offsets
          .filter(({ high, low }) => Number(high) > Number(low))
          .map(({ partition, high }) => [partition, Number(high)]),
      )
    })

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
            for (const { value } of batch.messages) {
              if (value === null) continue
              await codec.decode('sync.cursors.v1', value).then(take, (error: unknown) => {
                logger.warn({ err: error }, 'a sweep cursor that cannot be read is left out')
              })
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
    async get(tenant, source, entity) {
      return cursors.get(keyOfCursor(tenant, source, entity)) ?? null
    },
    async put(cursor) {
      await publisher.publish('sync.cursors.v1', [
        { key: keyOfCursor(cursor.tenant, cursor.source, cursor.entity), value: cursor },
      ])
      take(cursor)
    },
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
