import type { Volume } from './volume.ts'

/** The part of a record that the queues need. `dueAt` (ms) may be changed only while the record's key is taken, or by `wake`. */
export interface Queued {
  readonly key: string
  readonly tenant: string
  /** True for a record of the retry topic. Live records go first when slots are short. */
  readonly lane: boolean
  readonly bytes: number
  dueAt: number
}

/**
 * The waiting records of every key and the order in which keys get a slot. One key is handled by one taker at a time;
 * a taker gets all records of its key that are there, and what arrives meanwhile waits for the next turn.
 */
export interface KeyQueues<R extends Queued> {
  add(record: R, now: number): void
  /**
   * The next key with a due record, and all its records in order of arrival. The taker must not handle the records that are not
   * due. null if no record is due or every slot is taken. Tenants take turns, and so do the keys of a tenant.
   */
  take(now: number): Taken<R> | null
  /**
   * The tenant's key with a live record that came first, due or not, out of its turn and without a slot. null if no such key can
   * be taken. A key that is released afterwards with records left is not returned again until it is due, or one more record
   * comes.
   */
  takeSurplus(tenant: string): Taken<R> | null
  /** As `takeSurplus`, of the keys with a record of the retry topic, unless `may` does not hold for the first such record of it. */
  takeOfLane(tenant: string, may: (record: R) => boolean): Taken<R> | null
  /** The key, out of its turn and without a slot. null if the key is taken or has no records. */
  takeKey(key: string): Taken<R> | null
  /** Ends a record. Its key stays taken. */
  remove(record: R): void
  /** Gives the key's slot back. The records that are left wait until they are due. */
  release(key: string, now: number): void
  /** Forgets the records for which `gone` holds. A taken key stays taken until its release. */
  drop(gone: (record: R) => boolean): R[]
  /** Makes the tenant's waiting records due now if `due` holds for them. Each call wakes other keys, at most `most` of them. */
  wake(tenant: string, due: (record: R) => boolean, now: number, most?: number): void
  /** Takes no key of the tenant before `until`, or the next `wake` of one of its records. */
  rest(tenant: string, until: number): void
  /** When there may be something to take that is not there now, or null. */
  nextDueAt(): number | null
  readonly size: number
  /** All records in memory. */
  readonly all: Volume
  /** The records of the retry topic in memory. */
  readonly lane: Volume
  readonly inFlight: number
  records(): IterableIterator<R>
  /** The first record of each key, which came before the key's others. */
  forEachFirst(visit: (record: R) => void): void
}

export interface Taken<R> {
  readonly key: string
  readonly records: readonly R[]
}
