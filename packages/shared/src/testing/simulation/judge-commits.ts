import { partsOf } from '../../kafka/commit-metadata.ts'
import { decodeRanges } from '../../kafka/ended-ranges.ts'
import type { CommitRequest, SourceRecord } from '../../kafka/ports.ts'
import type { JudgeOptions } from './judge-writes.ts'
import type { Member } from './member.ts'

/** Commits: they say of nothing that it has ended that has not, and are made by the owner alone. */
export interface CommitsJudge {
  /** A commit takes effect. */
  committing(member: Member, request: CommitRequest): void
  /** One is made that has waited for the outcomes. */
  committingAcknowledged(member: Member, offsets: readonly CommitRequest[]): void
  /** A commit has said that it has ended. */
  hasEnded(record: SourceRecord): boolean
}

export function createCommitsJudge(
  { ledger, brokers }: JudgeOptions,
  ownerOf: (partition: number) => Member | null,
): CommitsJudge {
  const { accuse } = ledger
  const ended = new Set<SourceRecord>()

  /** Those before its offset, and those in the ranges of its metadata, as far as no commit has said so before. */
  const saidToHaveEnded = ({ topic, partition, offset, metadata }: CommitRequest) => {
    const ranges = decodeRanges(offset, partsOf(metadata).ended)
    const isSaid = (at: number) => at < offset || ranges.some(({ from, to }) => at >= from && at < to)
    return brokers.log(topic, partition).records.filter((record) => isSaid(record.offset) && !ended.has(record))
  }

  /** A commit that names no id. A member may read the log again because of it. */
  const mayBeOfFormerLog = (topic: string, metadata: string) =>
    partsOf(metadata).topicId === '' && brokers.wasRecreated(topic)

  return {
    committing(member, request) {
      const { topic, partition, offset } = request
      const { committed, end } = brokers.log(topic, partition)
      const isBefore = committed !== null && !brokers.isOfFormerLog({ topic, partition, metadata: committed.metadata })
      const lastOffset = isBefore && !mayBeOfFormerLog(topic, committed.metadata) ? committed.offset : 0
      const isOfFormerLog = brokers.isOfFormerLog(request)
      const name = `${topic}/${partition} at ${offset}`
      if (ownerOf(partition) !== member) accuse(`a commit of a partition that is another's: ${name}`)
      if (isOfFormerLog) return
      const mayBeIgnored = mayBeOfFormerLog(topic, request.metadata)
      if (mayBeIgnored && brokers.failed.has('topic-ids') && offset > end) return
      if (offset < lastOffset) accuse(`a commit backwards: ${name}`)
      if (offset > end) accuse(`a commit past the end: ${name}`)
      for (const record of saidToHaveEnded(request)) {
        if (!ledger.hasEndedBy(member, record)) accuse('committed as ended, and not ended by this member', record)
        if (!mayBeIgnored) ended.add(record)
      }
    },
    committingAcknowledged(member, offsets) {
      const ofTheseLogs = offsets.filter((each) => !brokers.isOfFormerLog(each))
      for (const record of ofTheseLogs.flatMap(saidToHaveEnded)) {
        const handover = ledger.current(member, record)
        if (handover?.end && !handover.isAcknowledged) accuse('committed before its outcome was acknowledged', record)
      }
    },
    hasEnded: (record) => ended.has(record),
  }
}
