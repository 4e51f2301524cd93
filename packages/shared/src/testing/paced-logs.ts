import type { RawMessage } from '../kafka/ports.ts'
import type { FakeRecord, FakeSource } from './fake-source.ts'

/** Logs of partition 0 that are read at a bounded rate, and not while they are paused. */
export interface PacedLogs {
  append(topic: string, records: readonly FakeRecord[]): void
  /** Writes as a producer of the runtime does. Each message becomes a record at the end of its topic's log. */
  send(messages: readonly RawMessage[]): void
  /** Records of the log that are still to be read. */
  unread(topic: string): number
  /** Records that were ever appended to the log. */
  written(topic: string): number
  lastWritten(topic: string): FakeRecord | undefined
}

export interface PacedLogsOptions {
  readonly source: Pick<FakeSource, 'append' | 'extend' | 'pausedPartitions'>
  /** Of each log. */
  readonly recordsPerRead: number
  readonly readEveryMs: number
  /** Called after each read. */
  readonly onRead?: () => void
}

/** Under fake timers. */
export function createPacedLogs({ source, recordsPerRead, readEveryMs, onRead }: PacedLogsOptions): PacedLogs {
  const logs = new Map<string, { records: FakeRecord[]; next: number }>()
  const of = (topic: string) => {
    const log = logs.get(topic) ?? { records: [], next: 0 }
    logs.set(topic, log)
    return log
  }
  const append: PacedLogs['append'] = (topic, records) => {
    const log = of(topic).records
    for (const record of records) log.push({ timestamp: Date.now(), ...record })
    source.extend(topic, 0, log.length)
  }
  setInterval(() => {
    for (const [topic, log] of logs) {
      if (source.pausedPartitions.has(`${topic}/0`)) continue
      const batch = log.records.slice(log.next, log.next + recordsPerRead)
      if (batch.length === 0) continue
      source.append(topic, 0, batch, log.next)
      log.next += batch.length
    }
    onRead?.()
  }, readEveryMs)
  return {
    append,
    send(messages) {
      for (const { topic, key, value, headers } of messages)
        append(topic, [{ key: key?.toString() ?? null, value: value?.toString() ?? null, headers }])
    },
    unread: (topic) => of(topic).records.length - of(topic).next,
    written: (topic) => of(topic).records.length,
    lastWritten: (topic) => of(topic).records.at(-1),
  }
}
