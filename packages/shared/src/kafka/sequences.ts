/**
 * The sequence numbers of an idempotent producer.
 *
 * A broker appends a batch of a partition only if it is the next one of the producer's epoch, or the first one of a newer epoch.
 * After a newer epoch it appends nothing of an older one. Therefore a batch whose result is unknown cannot be appended after a
 * batch of the next epoch, however late it arrives. No request to a broker is needed for a new epoch.
 */
export interface Sequences {
  /** null if a new producer id is needed first. */
  producer(): { readonly id: bigint; readonly epoch: number } | null
  begin(producerId: bigint): void
  /** Returns the first of `count` sequence numbers for a batch of this partition in the current epoch. */
  take(topic: string, partition: number, count: number): number
  /** The batch was certainly not appended. Without effect if a later batch of the partition, or another epoch, has begun. */
  giveBack(taken: TakenSequences): void
  /** The result of a batch of `epoch` is unknown. All batches that leave from now on have a newer epoch. */
  leaveEpoch(epoch: number): void
}

export interface TakenSequences {
  readonly topic: string
  readonly partition: number
  readonly epoch: number
  readonly first: number
  readonly count: number
}

/** Sequence numbers are 31 bits and begin again at 0. */
const SEQUENCES = 2 ** 31
export const LAST_EPOCH = 32_767

export function createSequences(): Sequences {
  let id: bigint | null = null
  let epoch = 0
  const next = new Map<string, number>()
  return {
    producer: () => (id === null ? null : { id, epoch }),
    begin(producerId) {
      id = producerId
      epoch = 0
      next.clear()
    },
    take(topic, partition, count) {
      const name = `${topic}/${partition}`
      const first = next.get(name) ?? 0
      next.set(name, (first + count) % SEQUENCES)
      return first
    },
    giveBack(taken) {
      const name = `${taken.topic}/${taken.partition}`
      if (taken.epoch !== epoch || next.get(name) !== (taken.first + taken.count) % SEQUENCES) return
      next.set(name, taken.first)
    },
    leaveEpoch(left) {
      if (left !== epoch) return
      next.clear()
      if (epoch < LAST_EPOCH) epoch++
      // The next producer id fences nothing of this one. A batch of this one would be appended after a batch of the next one only
      // if its broker left it unread while 32 767 other batches failed, and then led the partition still. A batch that fails at
      // once, as after a leader changed, ends an epoch as well as a batch that fails at the deadline.
      else id = null
    },
  }
}
