import type { Logger } from '../logger.ts'
import { nowAndThen } from './now-and-then.ts'
import type { Gate } from './partition-gate.ts'
import type { Source } from './ports.ts'

/**
 * Finds topics that were deleted and created again. A topic that was created again has another id. Its new log may be longer than
 * the read position in the former log, so neither its end nor an offset out of range shows that it is another log.
 */
export interface TopicIds {
  /** Asks for the ids of all topics, at most once a second, and compares them with those that our offsets belong to. Never rejects. */
  check(): Promise<void>
  /**
   * Resolves after the first answer, or after 10 s without an answer. Offsets that are committed before may be of a topic that is deleted
   * and created again before its first id is known. Also resolves when `isWanted` does not hold any more. Never rejects.
   */
  untilAnswered(isWanted: () => boolean): Promise<void>
  /**
   * Notes the ids of the last answer for those of these topics of which the gate knows no id. Leaves out a topic whose read position
   * comes from a commit that is not known, because the commit may be of a former log.
   */
  adopt(gate: Gate, topics: readonly string[]): void
  /**
   * Whether the log of the topic began anew a moment ago and its id is not known yet. Records that were read of the log may be of a
   * topic that is deleted by now, so their offsets are not committed.
   */
  isAwaited(gate: Gate, topic: string): boolean
}

export interface TopicIdsOptions {
  readonly source: Pick<Source, 'topicIds'>
  readonly topics: readonly string[]
  /** By partition number. */
  readonly gates: ReadonlyMap<number, Gate>
  readonly logger: Logger
  readonly now: () => number
  /** The offsets that are known of this partition belong to a former log. */
  readonly onRecreated: (topic: string, partition: number) => void
  /** The first id of the topic is known. Records that were read before may be of a former log. None of them was handled. */
  readonly onFirstId: (topic: string, partition: number) => void
}

/** Commits go on without ids then. */
const AWAITED_MS = 10_000
const ASK_AGAIN_MS = 500

export function createTopicIds({
  source,
  topics,
  gates,
  logger,
  now,
  onRecreated,
  onFirstId,
}: TopicIdsOptions): TopicIds {
  /** A topic that does not exist at the moment keeps its last id. */
  const last = new Map<string, string>()
  let isAnswered = false
  let awaitedSince: number | null = null

  const adopt: TopicIds['adopt'] = (gate, of) => {
    for (const topic of of) {
      const id = last.get(topic)
      if (!gate.areCommitsKnown && !gate.renewed.has(topic)) continue
      if (id !== undefined && !gate.topicIds.has(topic)) gate.topicIds.set(topic, id)
    }
  }

  const lookUp = async () => {
    // Only of these does an answer say that they are older. A newer one may come with a commit while the answer is on its way.
    const known = [...gates].map(([partition, gate]) => ({ partition, gate, topicIds: new Map(gate.topicIds) }))
    const answer = await source.topicIds(topics)
    isAnswered = true
    for (const [topic, id] of answer) {
      const before = last.get(topic)
      last.set(topic, id)
      if (before === undefined) for (const [partition, gate] of gates) if (!gate.open) onFirstId(topic, partition)
      for (const { partition, gate, topicIds } of known) {
        // A read position without an id may belong to a topic that existed before this answer. Kafka deletes the committed offsets of a
        // deleted topic, and commits may name no id.
        const former = topicIds.get(topic) ?? (gate.startAt === null ? undefined : before)
        if (former === undefined || former === id) continue
        if (gates.get(partition) !== gate || gate.topicIds.get(topic) !== topicIds.get(topic)) continue
        // A broker that lags behind may name a former id once more. Then the new log is read twice, and nothing is lost.
        onRecreated(topic, partition)
      }
    }
    for (const gate of gates.values()) adopt(gate, topics)
  }

  const check = nowAndThen(lookUp, { now, logger, failure: 'looking up the ids of topics failed' })

  return {
    async untilAnswered(isWanted) {
      awaitedSince ??= now()
      while (!isAnswered && isWanted() && now() - awaitedSince < AWAITED_MS) {
        await check()
        if (!isAnswered && isWanted()) await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS))
      }
    },
    adopt,
    isAwaited(gate, topic) {
      const renewedAt = gate.renewed.get(topic) ?? Number.NEGATIVE_INFINITY
      return last.has(topic) && !gate.topicIds.has(topic) && now() - renewedAt < AWAITED_MS
    },
    check,
  }
}
