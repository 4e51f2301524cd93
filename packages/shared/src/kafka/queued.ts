import type { Volume } from './volume.ts'

/** What the queues need to know of a record. `dueAt` (ms) may be changed only while the record's key is taken, or by `wake`. */
export interface Queued {
  readonly key: string
  readonly tenant: string
  /** Came by the retry lane: live records go first when slots are short. */
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
   * The next key with a due record and its records in order of arrival (also those that are not due, which the taker
   * leaves alone), or null when nothing is due or every slot is taken. Tenants take turns, and so do the keys of one.
   */
  take(now: number): Taken<R> | null
  /**
   * The tenant's key with a live record that came first, due or not, out of its turn and without a slot; null when nobody can take
   * one. A key that is released from this with records left is not answered again until it is due, or one more record comes.
   */
  takeSurplus(tenant: string): Taken<R> | null
  /** As `takeSurplus`, of the keys with a record of the retry topic, unless `may` does not hold for the first such record of it. */
  takeOfLane(tenant: string, may: (record: R) => boolean): Taken<R> | null
  /** The key out of its turn and without a slot; null when somebody has it or it has no records. */
  takeKey(key: string): Taken<R> | null
  /** Ends a record; its key stays taken. */
  remove(record: R): void
  /** Gives the key's slot back; what is left of it waits until due. */
  release(key: string, now: number): void
  /** Forgets the records for which `gone` holds. A taken key stays taken until its release. */
  drop(gone: (record: R) => boolean): R[]
  /** Makes the waiting records of the tenant for which `due` holds due now; of at most `most` keys, others at every call. */
  wake(tenant: string, due: (record: R) => boolean, now: number, most?: number): void
  /** Takes no key of the tenant before `until`, or the next `wake` of one of its records. */
  rest(tenant: string, until: number): void
  /** When there may be something to take that is not there now, or null. */
  nextDueAt(): number | null
  readonly size: number
  /** What is in memory: all records, and the records of the retry lane. */
  readonly all: Volume
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
