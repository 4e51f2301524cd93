import type { RawMessage, SourceRecord } from '@sync/shared/kafka/ports'
import { laneMessage, type RecordOrigin, readLane } from '@sync/shared/kafka/retry-lane'
import { retryTopicOf, type ServiceName } from '@sync/shared/kafka/topics'
import type { Cluster } from './cluster.ts'

/** A record for a service's retry lane as if nobody had handled it yet. */
export const toLane = (
  { prefix }: Cluster,
  service: ServiceName,
  original: Pick<SourceRecord, 'key' | 'value' | 'headers'>,
  mark: {
    readonly why: 'redriven' | 'replayed'
    readonly origin: RecordOrigin
    readonly reason: string
    readonly redrives?: number
  },
): RawMessage =>
  laneMessage(prefix + retryTopicOf(service), original, {
    ...{ notBefore: 0, attempts: 0, firstSeenAt: Date.now(), passes: 0, redrives: 0, ...mark },
  })

/** How much earlier than a command's start the lane is read: its first records may be dated by another clock. */
const MARGIN_MS = 60_000

/** Tells of what the lane holds for a reason: it is what an interrupted run has sent, as far as that was acknowledged. */
export async function readSent(
  cluster: Cluster,
  service: ServiceName,
  { reason, startedAt }: { readonly reason: string; readonly startedAt: string },
  take: (origin: RecordOrigin, key: string) => void,
): Promise<void> {
  const time = Date.parse(startedAt) - MARGIN_MS
  await cluster.read({
    ranges: await cluster.ranges([retryTopicOf(service)], { from: { time } }),
    take(record) {
      const lane = readLane(record)
      if (lane !== null && lane.mark.reason === reason) take(lane.mark.origin, record.key?.toString('utf8') ?? '')
    },
  })
}

/** What tells a record from all others. */
export const placeOf = (record: {
  readonly topic: string
  readonly partition: number
  readonly offset: number | string
}) => `${record.topic}/${record.partition}/${record.offset}`

/** A topic's name in the topic table, of its physical name. */
export const unprefixed = (topic: string, prefix: string): string =>
  topic.startsWith(prefix) ? topic.slice(prefix.length) : topic
