import type { SourceBatch, SourceRecord } from '../../kafka/ports.ts'
import type { Brokers, Log } from './brokers.ts'
import type { SimulatedTime } from './time.ts'

/** Reads what is assigned and not paused, in batches and in turns, as long as there is something. */
export interface Fetcher {
  /** Begins anew at the committed offsets. What was paused stays so, as in kafkajs. */
  assigned(partitions: readonly number[]): void
  pause(topic: string, partitions: readonly number[]): void
  resume(topic: string, partitions: readonly number[]): void
  seek(topic: string, partition: number, offset: number): void
  /** How often the place in a log was changed, by topic and partition: each time, records may come again. */
  readonly readings: ReadonlyMap<string, number>
  /** There may be something to read. */
  poll(): void
}

export function createFetcher(options: {
  readonly brokers: Brokers
  readonly time: SimulatedTime
  readonly batchSize: number
  readonly mayRead: () => boolean
  readonly onBatch: (batch: SourceBatch) => void
  readonly onOutOfRange: (topic: string, partition: number, offset: number) => void
}): Fetcher {
  const { brokers, time, batchSize, mayRead, onBatch, onOutOfRange } = options
  const positions = new Map<string, number>()
  const paused = new Set<string>()
  const readings = new Map<string, number>()
  let isPolling = false
  const nameOf = ({ topic, partition }: Log) => `${topic}/${partition}`

  /** Something can be read there, or the place is past the end. */
  const unread = () =>
    brokers.logs.filter((log) => (positions.get(nameOf(log)) ?? log.end) !== log.end && !paused.has(nameOf(log)))
  const seek = (name: string, offset: number) => {
    if (!positions.has(name)) return
    positions.set(name, offset)
    readings.set(name, (readings.get(name) ?? 0) + 1)
  }
  const read = (log: Log) => {
    // A pause may have come with the batch before.
    if (paused.has(nameOf(log))) return
    const position = positions.get(nameOf(log))!
    if (position > log.end) {
      // As kafkajs, which resets the committed offset too.
      log.committed = null
      seek(nameOf(log), 0)
      return onOutOfRange(log.topic, log.partition, position)
    }
    const rest = log.records.filter(({ offset }) => offset >= position)
    const records: readonly SourceRecord[] = rest.slice(0, batchSize)
    const lastOffset = records.length === rest.length ? log.end - 1 : records.at(-1)!.offset
    positions.set(nameOf(log), lastOffset + 1)
    const { topic, partition, end: endOffset } = log
    if (records.length > 0) onBatch({ topic, partition, records, lastOffset, endOffset })
  }
  const fetch = () => {
    isPolling = false
    if (!mayRead()) return
    const logs = unread()
    const first = Math.floor(time.random() * logs.length)
    for (const log of [...logs.slice(first), ...logs.slice(0, first)]) read(log)
    poll()
  }
  const poll = () => {
    if (isPolling || unread().length === 0) return
    isPolling = true
    setTimeout(fetch, 1 + time.random() * 30)
  }

  brokers.onAppend(poll)
  return {
    assigned(partitions) {
      positions.clear()
      for (const log of brokers.logs) {
        if (partitions.includes(log.partition)) positions.set(nameOf(log), log.committed?.offset ?? 0)
      }
    },
    pause(topic, partitions) {
      for (const partition of partitions) paused.add(`${topic}/${partition}`)
    },
    resume(topic, partitions) {
      for (const partition of partitions) paused.delete(`${topic}/${partition}`)
      poll()
    },
    seek(topic, partition, offset) {
      seek(`${topic}/${partition}`, offset)
      poll()
    },
    readings,
    poll,
  }
}
