/** When a record of the retry topic may be written to its end again, to make room for the records behind it. Times are ms. */
export interface RetryPasses {
  /** Other tenants' records may lie behind all that the partition's retry topic holds. */
  assigned(partition: number, now: number): void
  /** A record was written to the retry topic, to be handled from `notBefore` on. */
  written(partition: number, tenant: string, notBefore: number): void
  /** Records of the tenant are written to the end of the retry topic again. */
  passedOn(tenant: string, now: number): void
  mayPass(record: RetryRecord, now: number): boolean
}

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

export function createRetryPasses(): RetryPasses {
  /** By partition. A record that was written before this time may pass, however short its stay. */
  const passesBefore = new Map<number, number>()
  /** By partition. From this time on a record of a tenant that does not flood waits to be read. */
  const awaitedFrom = new Map<number, number>()
  const floodedAt = new Map<string, number>()

  /** All records before the awaited record were written before now. Therefore one pass of them reaches the awaited record. */
  const hurry = (partition: number, now: number) => {
    const isAwaited = (awaitedFrom.get(partition) ?? Number.POSITIVE_INFINITY) <= now
    if (!isAwaited || now - (passesBefore.get(partition) ?? 0) < EARLY_PASSES_MS) return
    passesBefore.set(partition, now)
    awaitedFrom.delete(partition)
  }

  return {
    assigned(partition, now) {
      passesBefore.set(partition, now)
    },
    written(partition, tenant, notBefore) {
      if ((floodedAt.get(tenant) ?? Number.NEGATIVE_INFINITY) >= notBefore - FLOODED_MS) return
      awaitedFrom.set(partition, Math.min(awaitedFrom.get(partition) ?? Number.POSITIVE_INFINITY, notBefore))
    },
    passedOn(tenant, now) {
      floodedAt.set(tenant, now)
    },
    mayPass({ partition, writtenAt, firstSeenAt }, now) {
      hurry(partition, now)
      const stayMs = Math.min(LONGEST_STAY_MS, Math.max(LEAST_STAY_MS, writtenAt - firstSeenAt))
      return now - writtenAt >= stayMs || writtenAt < (passesBefore.get(partition) ?? 0)
    },
  }
}
