import type { Logger } from '../logger.ts'
import { type Mark, partsOf, requestOf } from './commit-metadata.ts'
import type { Gate } from './partition-gate.ts'
import type { CommitRequest, Source } from './ports.ts'

/** Builds and sends commits. The metadata of a commit loses its optional parts, one after the other, while the broker refuses its size. */
export interface OffsetCommits {
  requestsFor(
    partition: number,
    gate: Gate,
    marks: Iterable<readonly [topic: string, mark: Mark]>,
    owner: string,
  ): CommitRequest[]
  /** Rejects if the broker refuses one of the commits. */
  send(requests: readonly CommitRequest[]): Promise<void>
  /** Ended ranges that are longer as text are left out. */
  readonly maxRangesLength: number
}

/** Brokers take 4096 bytes of metadata by default. The owner takes some of these bytes. */
const MAX_RANGES_LENGTH = 3_000

export function createOffsetCommits({
  source,
  logger,
}: {
  readonly source: Pick<Source, 'commit'>
  readonly logger: Logger
}): OffsetCommits {
  let maxRangesLength = MAX_RANGES_LENGTH
  let namesTopicIds = true

  /** Several commits may be refused at once, so the parts of the refused commit decide which part is too much. */
  const shorten = (refused: readonly CommitRequest[]) => {
    const parts = refused.map(({ metadata }) => partsOf(metadata))
    const warn = (left: string) =>
      logger.warn(`this broker takes less metadata with an offset: ${left} is not remembered`)
    if (parts.some(({ ended }) => ended !== '')) {
      if (maxRangesLength > 0) warn('what has ended past the mark')
      maxRangesLength = 0
    } else if (parts.some(({ topicId }) => topicId !== '')) {
      if (namesTopicIds) warn('the id of a topic')
      namesTopicIds = false
    }
  }

  return {
    requestsFor(partition, gate, marks, owner) {
      const idOf = (topic: string) => (namesTopicIds && gate.topicIds.get(topic)) || ''
      return [...marks].map(([topic, mark]) => requestOf(topic, partition, mark, owner, idOf(topic), maxRangesLength))
    },
    async send(requests) {
      try {
        await source.commit(requests)
      } catch (error) {
        if ((error as { type?: unknown }).type === 'OFFSET_METADATA_TOO_LARGE') shorten(requests)
        throw error
      }
    },
    get maxRangesLength() {
      return maxRangesLength
    },
  }
}
