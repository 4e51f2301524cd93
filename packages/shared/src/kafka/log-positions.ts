import type { Logger } from '../logger.ts'
import { dropHeld, type Gate, type PartitionState, renew } from './partition-gate.ts'
import { endsWithLog } from './pending.ts'
import type { Source } from './ports.ts'

/**
 * A partition whose log holds fewer records than were read, or whose topic was created again. `readTo` and `endOffset` are offsets
 * of records.
 */
export interface ShorterLog {
  readonly topic: string
  readonly partition: number
  /** Where the former log was to be read on. 0 if that is not known any more. */
  readonly readTo: number
  readonly endOffset: number
}

/** The read positions in the logs of our partitions, and the ends of these logs. */
export interface LogPositions {
  /** Asks for the first and the last offset of each log. Begins anew in each log that got shorter. Never rejects. */
  lookUp(): Promise<void>
  /** The logs that got shorter since the start, with the last time for each partition. */
  shorterLogs(): readonly ShorterLog[]
  /**
   * The records behind the low-water mark of each of our partitions whose end is known. `readable` counts the records that can be read.
   * An open transaction of another writer keeps the records behind its begin from being read.
   */
  lag(): { topic: string; partition: number; records: number; readable: number }[]
  /** Forgets the read position `readTo`, at which the log has no record any more. The log is read from its first record on. */
  beginAnew(topic: string, partition: number, readTo: number): void
  /** The topic was deleted and created again. Forgets the read position in the former log. The new log is read from its beginning. */
  beginRecreated(topic: string, partition: number): void
  /** Forgets the records that were read of the topic and wait for the gate. They are read again. */
  readAgain(topic: string, partition: number): void
  /**
   * After a join, a member reads on at the committed offset. In a log that began anew, and of which nothing is committed yet, the
   * committed offset may be one of the former log. Such a log is read on where it was read before the join.
   */
  readOn(): void
}

export interface LogPositionsOptions {
  readonly source: Pick<Source, 'offsets' | 'seek'>
  readonly topics: readonly string[]
  /** By partition number. */
  readonly gates: ReadonlyMap<number, Gate>
  readonly logger: Logger
  /** ms by the steady clock. */
  readonly now: () => number
  readonly onShorterLog: (log: ShorterLog) => void
  /** Called with the first and the next offset of each log, by topic and partition, after they were looked up. */
  readonly onEnds: (ends: Awaited<ReturnType<Source['offsets']>>) => void
  /** Called when a topic was deleted and created again, with the state of its former log. */
  readonly onFormerLog: (state: PartitionState) => void
}

export function createLogPositions(options: LogPositionsOptions): LogPositions {
  const { source, topics, gates, logger, now, onShorterLog } = options
  let ends: Awaited<ReturnType<Source['offsets']>> = new Map()
  const found = new Map<string, ShorterLog>()
  /** Partitions of which the last log that began anew is one of a topic that was created again. */
  const recreated = new Set<string>()
  let shorterBefore: ReadonlySet<string> = new Set()

  const readToOf = (gate: Gate, topic: string) =>
    gate.states.get(topic)?.tracker.lowWaterMark() ?? gate.base.get(topic)?.offset ?? null

  const shorter = () =>
    [...gates].flatMap(([partition, gate]) =>
      topics.flatMap((topic) => {
        const [readTo, offsets] = [readToOf(gate, topic), ends.get(topic)?.get(partition)]
        if (readTo === null || offsets === undefined || offsets.end >= readTo) return []
        return [{ topic, partition, readTo, low: offsets.low, name: `${topic}/${partition}/${readTo}` }]
      }),
    )

  const report = async (topic: string, partition: number, readTo: number, isRecreated = false) => {
    try {
      const offsets = await source.offsets([topic])
      ends = new Map([...ends, ...offsets])
      const end = offsets.get(topic)?.get(partition)
      if (end === undefined || (end.end >= readTo && !isRecreated)) {
        logger.error({ topic, partition, readTo, low: end?.low }, 'records were deleted before they were read')
        return
      }
      const log = { topic, partition, readTo, endOffset: end.end }
      if (isRecreated) logger.error(log, 'the topic was deleted and created again: all of its new log is read')
      else logger.error(log, 'the log is shorter than what was read of it: all of it is read again')
      found.set(`${topic}/${partition}`, log)
      onShorterLog(log)
    } catch (err) {
      logger.error(
        { err, topic, partition, readTo },
        'a log is read from its first record on, and may be a shorter one',
      )
    }
  }

  const beginAnew: LogPositions['beginAnew'] = (topic, partition, readTo) => {
    const gate = gates.get(partition)
    if (gate === undefined) return
    const isReadAnew = gate.renewed.has(topic) && !gate.states.has(topic)
    // The answer belongs to a fetch in the former log. Meanwhile the member has begun to read the new log.
    if (isReadAnew && readTo > 0 && recreated.has(`${topic}/${partition}`)) return
    recreated.delete(`${topic}/${partition}`)
    renew(gate, topic, now())
    void report(topic, partition, readTo)
  }

  return {
    beginAnew,
    beginRecreated(topic, partition) {
      const gate = gates.get(partition)
      if (gate === undefined) return
      const readTo = readToOf(gate, topic) ?? 0
      // The log may have begun anew for another reason a moment ago, while records of the log before waited.
      const former = [gate.former.get(topic), gate.states.get(topic)].filter((state) => state !== undefined)
      // A log without an id began anew for another reason a moment ago.
      const isReported = gate.renewed.has(topic) && !gate.topicIds.has(topic)
      recreated.add(`${topic}/${partition}`)
      renew(gate, topic, now())
      gate.isClaimLost = gate.open
      for (const state of former) {
        dropHeld(gate, (record) => record.state === state && endsWithLog(record))
        options.onFormerLog(state)
      }
      source.seek(topic, partition, 0)
      if (!isReported) void report(topic, partition, readTo, true)
    },
    readAgain(topic, partition) {
      const gate = gates.get(partition)
      const state = gate?.states.get(topic)
      if (gate === undefined || state === undefined) return
      const from = gate.base.get(topic)?.offset ?? state.tracker.lowWaterMark()
      gate.states.delete(topic)
      dropHeld(gate, (record) => record.state === state)
      if (from !== null) source.seek(topic, partition, from)
    },
    readOn() {
      for (const [partition, gate] of gates) {
        for (const topic of gate.renewed.keys()) {
          const state = gate.states.get(topic)
          if (!state?.committed) source.seek(topic, partition, state?.tracker.lowWaterMark() ?? 0)
        }
      }
    },
    shorterLogs: () => [...found.values()],
    async lookUp() {
      try {
        ends = await source.offsets(topics)
      } catch (error) {
        return logger.debug({ err: error }, 'looking up end offsets failed')
      }
      options.onEnds(ends)
      const logs = shorter()
      // A newly elected leader may answer an old end offset for a moment, so two look-ups in a row must show a shorter log.
      for (const { topic, partition, readTo, low, name } of logs) {
        if (!shorterBefore.has(name)) continue
        beginAnew(topic, partition, readTo)
        source.seek(topic, partition, low)
      }
      shorterBefore = new Set(logs.map(({ name }) => name))
    },
    lag: () =>
      [...gates].flatMap(([partition, gate]) =>
        topics.flatMap((topic) => {
          const state = gate.states.get(topic)
          const offsets = ends.get(topic)?.get(partition)
          const end = Math.max(state?.endOffset ?? 0, offsets?.end ?? 0)
          const from = state?.tracker.lowWaterMark() ?? Math.max(gate.base.get(topic)?.offset ?? 0, offsets?.low ?? 0)
          const isKnown = state !== undefined || offsets !== undefined
          // The looked-up end is that of the last transaction that has ended. The end that comes with a batch is not.
          const readableEnd = offsets?.end ?? end
          const behind = (to: number) => Math.max(0, to - from)
          return isKnown ? [{ topic, partition, records: behind(end), readable: behind(readableEnd) }] : []
        }),
      ),
  }
}
