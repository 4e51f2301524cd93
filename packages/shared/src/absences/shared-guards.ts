import type { Kafka } from 'kafkajs'
import type { Codec } from '../contracts/codec.ts'
import type { Publisher } from '../kafka/publisher.ts'
import { createTopicFollower } from '../kafka/topic-follower.ts'
import type { Part } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import type { Metrics } from '../metrics.ts'
import { untilReachable } from '../until-reachable.ts'
import { type AbsenceGuards, createAbsenceGuards } from './absence-guards.ts'
import { guardRecord, guardStateOf, tripFields } from './guard-state.ts'

export interface SharedGuardsOptions {
  readonly kafka: Kafka
  readonly codec: Codec
  readonly publisher: Publisher
  readonly prefix: string
  /** A reader's group of its own. */
  readonly groupId: string
  readonly metrics: Pick<Metrics, 'absenceGuardTripped' | 'onScrape'>
  readonly logger: Logger
  readonly now: () => number
}

/**
 * The absence guards of all processes: a trip is written to a compacted topic, which every process follows. Until the topic
 * is read to its end, no "not found" answer is acted on; so `start` does not wait for that.
 */
export function createSharedGuards(options: SharedGuardsOptions): {
  readonly guards: AbsenceGuards
  readonly part: Part
} {
  const { kafka, codec, publisher, prefix, groupId, metrics, logger, now } = options
  const stopping = new AbortController()
  const { signal } = stopping

  const guards = createAbsenceGuards({
    now,
    isReady: false,
    onTrip(state) {
      logger.error(
        tripFields(state),
        'absence guard tripped: no "not found" answer is acted on until it is released (syncctl absences release)',
      )
      const attempt = () => publisher.publish('sync.cursors.v1', [guardRecord(state)])
      untilReachable({ what: 'telling of an absence guard', attempt, final: [], logger, signal }).catch(() => {})
    },
  })
  const follower = createTopicFollower({
    kafka,
    codec,
    topic: 'sync.cursors.v1',
    prefix,
    groupId,
    logger,
    take(record) {
      const state = guardStateOf(record)
      if (state === null) return
      const { tenant, target, isTripped } = state
      const wasTripped = guards.list().some((it) => it.tenant === tenant && it.target === target)
      guards.apply(state)
      if (wasTripped && !isTripped) logger.info({ tenant, target }, 'absence guard released')
    },
  })

  let shown: readonly { readonly tenant: string; readonly target: string }[] = []
  metrics.onScrape(() => {
    for (const { tenant, target } of shown) metrics.absenceGuardTripped.remove({ tenant, target })
    shown = guards.list()
    for (const { tenant, target } of shown) metrics.absenceGuardTripped.set(1, { tenant, target })
  })

  return {
    guards,
    part: {
      name: 'absence guards',
      async start() {
        untilReachable({ what: 'the absence guards', attempt: follower.start, final: [], logger, signal })
          .then(guards.ready)
          .catch(() => {})
      },
      async stop() {
        stopping.abort()
        await follower.stop()
      },
    },
  }
}
