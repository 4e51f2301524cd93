import type { Fence } from '../http/call.ts'
import type { RawMessage } from './ports.ts'

/** When a record of the retry topic may be written to its end again, to make room for the records behind it. Times are ms. */
export interface RetryPasses {
  /** Other tenants' records may lie behind all that the partition's retry topic holds. */
  assigned(partition: number, now: number): void
  /** A record was written to the retry topic, to be handled from `notBefore` on. */
  written(partition: number, tenant: string, notBefore: number): void
  /** Records of the tenant are written to the end of the retry topic again. */
  passedOn(tenant: string, now: number): void
  mayPass(record: RetryRecord, now: number): boolean
  /** As `send`, and counts the records that this process writes to the retry topic. */
  counting(send: Send): Send
  /**
   * The end offset of the partition's retry topic was looked up. If the log grew by more than this process has written, another process
   * (such as a redrive) has written records, and these may be records of any tenant.
   */
  lookedUp(partition: number, end: number, now: number): void
}

type Send = (messages: readonly RawMessage[], fence?: Fence) => Promise<void>

export interface RetryRecord {
  readonly partition: number
  /** When the record was written to the retry topic. */
  readonly writtenAt: number
  readonly firstSeenAt: number
}

/** A record stays in its place for as long as it has waited before, within these bounds. So its passes come at growing intervals. */
const LEAST_STAY_MS = 5_000
const LONGEST_STAY_MS = 300_000
/** Between two times at which the records of a partition pass early for the sake of another tenant's record behind them. */
const EARLY_PASSES_MS = 30_000
/** A tenant whose records passed within this time hurries no other tenant's records. */
const FLOODED_MS = 1_800_000

export function createRetryPasses(retryTopic: string): RetryPasses {
  /** By partition. A record that was written before this time may pass, however short its stay. */
  const passesBefore = new Map<number, number>()
  /** By partition. From this time on a record of a tenant that does not flood waits to be read. */
  const awaitedFrom = new Map<number, number>()
  const floodedAt = new Map<string, number>()
  /** By partition. Counts the records that this process has written to the retry topic or is writing now. */
  const own = new Map<number, number>()
  /** By partition. The last end offset, and the most records of other processes that the log was known to hold. */
  const logs = new Map<number, { end: number; foreign: number }>()

  /** All records before the awaited record were written before now. Therefore one pass of them reaches the awaited record. */
  const hurry = (partition: number, now: number) => {
    const isAwaited = (awaitedFrom.get(partition) ?? Number.POSITIVE_INFINITY) <= now
    if (!isAwaited || now - (passesBefore.get(partition) ?? 0) < EARLY_PASSES_MS) return
    passesBefore.set(partition, now)
    awaitedFrom.delete(partition)
  }

  const awaitFrom = (partition: number, at: number) =>
    void awaitedFrom.set(partition, Math.min(awaitedFrom.get(partition) ?? Number.POSITIVE_INFINITY, at))

  return {
    assigned(partition, now) {
      passesBefore.set(partition, now)
      logs.delete(partition)
    },
    written(partition, tenant, notBefore) {
      if ((floodedAt.get(tenant) ?? Number.NEGATIVE_INFINITY) >= notBefore - FLOODED_MS) return
      awaitFrom(partition, notBefore)
    },
    passedOn(tenant, now) {
      floodedAt.set(tenant, now)
    },
    mayPass({ partition, writtenAt, firstSeenAt }, now) {
      hurry(partition, now)
      const stayMs = Math.min(LONGEST_STAY_MS, Math.max(LEAST_STAY_MS, writtenAt - firstSeenAt))
      return now - writtenAt >= stayMs || writtenAt < (passesBefore.get(partition) ?? 0)
    },
    counting: (send) => async (messages, fence) => {
      const count = (by: 1 | -1) => {
        for (const { topic, partition } of messages)
          if (topic === retryTopic && partition !== undefined) own.set(partition, (own.get(partition) ?? 0) + by)
      }
      count(1)
      try {
        await send(messages, fence)
      } catch (error) {
        // If the records were written all the same, they are taken for those of another process, which costs one early pass.
        count(-1)
        throw error
      }
    },
    lookedUp(partition, end, now) {
      const before = logs.get(partition)
      const isSameLog = before !== undefined && end >= before.end
      // Records on their way count as written. Else the records of this process would hurry each other for ever.
      const foreign = end - (own.get(partition) ?? 0)
      // Nothing is known of the records that were written between the assignment and the first look.
      if (!isSameLog || foreign > before.foreign) awaitFrom(partition, now)
      logs.set(partition, { end, foreign: isSameLog ? Math.max(foreign, before.foreign) : foreign })
    },
  }
}
