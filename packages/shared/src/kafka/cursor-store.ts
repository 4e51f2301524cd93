import type { Kafka } from 'kafkajs'
import type { Codec } from '../contracts/codec.ts'
import { isSweepCursor, type SweepCursor } from '../contracts/sweep-cursor.ts'
import type { Logger } from '../logger.ts'
import type { CursorStore } from '../sweep.ts'
import { compareVersions } from '../version.ts'
import { keyOf, type Publisher } from './publisher.ts'
import { createTopicFollower, type TopicFollower } from './topic-follower.ts'

export interface CursorStoreOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly publisher: Publisher
  readonly prefix: string
  /** A reader's group of its own: nothing is committed in it, and it is deleted at the end. */
  readonly groupId: string
  readonly logger: Pick<Logger, 'warn'>
}

export interface KafkaCursorStore extends CursorStore, TopicFollower {}

/** Marks of sweeps in a compacted topic: each process holds all of them in memory. */
export function createCursorStore(options: CursorStoreOptions): KafkaCursorStore {
  const { kafka, codec, publisher, prefix, groupId, logger } = options
  const cursors = new Map<string, SweepCursor>()
  const keyOfCursor = (tenant: string, source: string, entity: string) => keyOf(tenant, `${source}:${entity}`)

  /** An older mark is harmless, a newer one than was put loses changes: the last put of a key wins, as in the topic. */
  const take = (cursor: SweepCursor) => {
    const key = keyOfCursor(cursor.tenant, cursor.source, cursor.entity)
    const known = cursors.get(key)
    if (known === undefined || compareVersions(cursor.sweptAt, known.sweptAt) >= 0) cursors.set(key, cursor)
  }
  const follower = createTopicFollower({
    kafka,
    codec,
    topic: 'sync.cursors.v1',
    prefix,
    groupId,
    logger,
    take(cursor) {
      if (isSweepCursor(cursor)) take(cursor)
    },
  })

  return {
    ...follower,
    async get(tenant, source, entity) {
      return cursors.get(keyOfCursor(tenant, source, entity)) ?? null
    },
    async put(cursor) {
      await publisher.publish('sync.cursors.v1', [
        { key: keyOfCursor(cursor.tenant, cursor.source, cursor.entity), value: cursor },
      ])
      take(cursor)
    },
  }
}
