import { SyncError } from '../../errors.ts'
import { partsOf } from '../../kafka/commit-metadata.ts'
import type { CommitRequest, RawMessage, SourceRecord } from '../../kafka/ports.ts'
import type { SimulatedTime } from './time.ts'

/** What may go wrong with a request: it is refused, or it is carried out and its answer is lost. */
export type Fault = 'refused' | 'answer lost'
export type FaultyCall = 'commit' | 'produce' | 'look-up' | 'topic-ids' | 'decode'

export interface Log {
  readonly topic: string
  readonly partition: number
  readonly records: SourceRecord[]
  end: number
  topicId: string
  committed: { offset: number; metadata: string } | null
}

/** The logs and what is committed of them, and what goes wrong with the next requests. */
export interface Brokers {
  readonly logs: readonly Log[]
  log(topic: string, partition: number): Log
  /** `gap`: so many offsets after it hold nothing. */
  append(message: RawMessage, gap?: number): SourceRecord
  /** The topic is deleted and created again. Its logs are empty, and nothing is committed of them. */
  recreate(topic: string): void
  wasRecreated(topic: string): boolean
  /** Whether a commit names another topic id than that of the log now. Nobody may begin to read there. */
  isOfFormerLog(commit: Pick<CommitRequest, 'topic' | 'partition' | 'metadata'>): boolean
  onAppend(listener: () => void): void
  /** Something of each log, by topic and partition; null is left out. */
  byTopic<T>(topics: readonly string[], pick: (log: Log) => T | null): Map<string, Map<number, T>>
  readonly faults: Record<FaultyCall, Fault[]>
  /** Calls of which one has failed. */
  readonly failed: ReadonlySet<FaultyCall>
  /** The broker's `offset.metadata.max.bytes`. */
  maxMetadataLength: number
  /** Carries out a request after a while and answers after another, or fails as foreseen. */
  request<T>(call: FaultyCall, carryOut: () => T): Promise<T>
}

export function createBrokers(topics: readonly string[], partitions: number, time: SimulatedTime): Brokers {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  const logs = topics.flatMap((topic) =>
    numbers.map((partition): Log => ({ topic, partition, records: [], end: 0, topicId: 'id0', committed: null })),
  )
  const faults: Brokers['faults'] = { commit: [], produce: [], 'look-up': [], 'topic-ids': [], decode: [] }
  const failed = new Set<FaultyCall>()
  const listeners: (() => void)[] = []
  const recreated: string[] = []
  const log = (topic: string, partition: number) =>
    logs.find((each) => each.topic === topic && each.partition === partition)!
  return {
    logs,
    log,
    append({ topic, partition = 0, key, value, headers }, gap = 0) {
      const into = log(topic, partition)
      const bytes = key === null ? null : Buffer.from(key)
      const record = { topic, partition, offset: into.end, key: bytes, value, headers, timestamp: time.now() }
      into.records.push(record)
      into.end += 1 + gap
      for (const listener of listeners) listener()
      return record
    },
    byTopic: (names, pick) =>
      new Map(
        names.map((name) => {
          const picked = logs.filter(({ topic }) => topic === name).map((log) => [log.partition, pick(log)] as const)
          return [name, new Map(picked.flatMap(([at, value]) => (value === null ? [] : [[at, value]])))]
        }),
      ),
    recreate(topic) {
      recreated.push(topic)
      for (const each of logs) {
        if (each.topic !== topic) continue
        each.records.length = 0
        Object.assign(each, { end: 0, topicId: `id${recreated.length}`, committed: null })
      }
    },
    wasRecreated: (topic) => recreated.includes(topic),
    isOfFormerLog({ topic, partition, metadata }) {
      const { topicId } = partsOf(metadata)
      return topicId !== '' && topicId !== log(topic, partition).topicId
    },
    onAppend: (listener) => void listeners.push(listener),
    faults,
    failed,
    maxMetadataLength: 4_096,
    async request(call, carryOut) {
      const fault = faults[call].shift()
      if (fault !== undefined) failed.add(call)
      await time.sleep(1 + time.random() * 40)
      if (fault === 'refused') throw new SyncError('kafka-unavailable', `${call}: refused`)
      const result = carryOut()
      await time.sleep(time.random() * 40)
      if (fault === 'answer lost') throw new SyncError('kafka-unavailable', `${call}: its answer was lost`)
      return result
    },
  }
}
