import type { Logger } from '../logger.ts'
import { commitsOf, isReleased, type Mark } from './commit-metadata.ts'
import { nowAndThen } from './now-and-then.ts'
import { type Gate, restoreMark } from './partition-gate.ts'
import type { Source } from './ports.ts'
import type { TopicIds } from './topic-ids.ts'

/** By partition number. */
type Gained = readonly (readonly [partition: number, gate: Gate])[]

/** Looks up the committed offsets and the former owners of partitions that were gained. */
export interface OwnerLookup {
  /** Decides when each gate may open. Never rejects. */
  lookUp(gained: Gained): Promise<void>
  /**
   * Looks up the commits of gates again whose look-up has failed, at most once a second. Until then no id of a topic is adopted for
   * such a gate, because the commit may name the id of a former log. Opens no gate earlier or later. Never rejects.
   */
  lookUpAgain(): Promise<void>
}

export interface OwnerLookupOptions {
  readonly source: Pick<Source, 'committed'>
  readonly topics: readonly string[]
  /** By partition number. */
  readonly gates: ReadonlyMap<number, Gate>
  readonly topicIds: TopicIds
  /** How long a former owner that did not release a partition may still be writing. */
  readonly drainMs: number
  /** Until when requests of ours may be executed that were aborted when the partition was lost. By partition number. */
  readonly sentUntil: ReadonlyMap<number, number>
  /** The marks of a partition when we lost it, by topic. The marks are still true if nobody else has claimed the partition. */
  readonly left: Map<number, ReadonlyMap<string, Mark>>
  readonly isOurs: (owner: string) => boolean
  /** Called when it is known when the gate may open. */
  readonly openGate: (partition: number, gate: Gate) => void
  readonly logger: Logger
  readonly now: () => number
}

type Committed = Awaited<ReturnType<Source['committed']>>

export function createOwnerLookup(options: OwnerLookupOptions): OwnerLookup {
  const { source, topics, gates, topicIds, drainMs, sentUntil, left, isOurs, logger, now } = options

  /** Answers whether no former owner can be writing any more. */
  const takeOver = (partition: number, gate: Gate, committed: Committed): boolean => {
    const commits = commitsOf(partition, committed)
    // Another owner says so in one topic at least, but not in all if it could not look up what was committed.
    const isUntouched = commits.every(({ owner }) => isOurs(owner))
    // Then the marks may be ours, and the records that were read are handled already.
    const mayBeClaimed = gate.startAt !== null && gate.startAt <= now()
    for (const { topic, topicId, mark } of commits) {
      if (gate.renewed.has(topic)) continue
      if (topicId !== '') gate.topicIds.set(topic, topicId)
      if (mayBeClaimed) continue
      const known = (isUntouched && left.get(partition)?.get(topic)) || mark
      const state = gate.states.get(topic)
      gate.base.set(topic, mark)
      gate.known.set(topic, known)
      if (state === undefined) continue
      restoreMark(state, known)
      // The records were read before the mark was known. The first claim must keep the mark.
      state.told = mark
    }
    gate.areCommitsKnown = true
    // A commit without an id may be newer than the last answer.
    const uncommitted = topics.filter((topic) => !commits.some((each) => each.topic === topic))
    topicIds.adopt(gate, uncommitted)
    if (!isUntouched) left.delete(partition)
    return commits.every(({ owner }) => isReleased(owner) || isOurs(owner))
  }

  const unknownGates = () => [...gates].filter(([, gate]) => gate.startAt !== null && !gate.areCommitsKnown)
  const askAgain = nowAndThen(
    async () => {
      const unknown = unknownGates()
      const committed = await source.committed(topics)
      for (const [partition, gate] of unknown) {
        if (gates.get(partition) === gate) takeOver(partition, gate, committed)
      }
      void topicIds.check()
    },
    { now, logger, failure: 'looking up the committed offsets failed again' },
  )

  return {
    async lookUp(gained) {
      const assignedAt = now()
      let committed: Committed | null = null
      try {
        committed = await source.committed(topics)
      } catch (error) {
        logger.warn({ err: error }, 'looking up former owners failed: waiting as if there were some')
      }
      for (const [partition, gate] of gained) {
        const isFree = committed !== null && takeOver(partition, gate, committed)
        gate.startAt = isFree ? Math.max(assignedAt, sentUntil.get(partition) ?? 0) : assignedAt + drainMs
        options.openGate(partition, gate)
      }
      void topicIds.check()
    },
    async lookUpAgain() {
      if (unknownGates().length > 0) await askAgain()
    },
  }
}
