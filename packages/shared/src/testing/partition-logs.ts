/** A batch of one partition as a producer sends it. */
export interface AppendedBatch {
  /** Negative if the producer is not idempotent. */
  readonly producerId: bigint
  readonly epoch: number
  readonly firstSequence: number
  readonly values: readonly string[]
}

interface ProducerState {
  epoch: number
  lastSequence: number
  /** First and last sequence number of the batches of this epoch that are in the log. A broker keeps the last five. */
  batches: string[]
}

export const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
export const INVALID_PRODUCER_EPOCH = 47

/**
 * The log of a partition with the rules of a Kafka broker for idempotent producers (`ProducerAppendInfo` and
 * `ProducerStateManager` of Kafka 4). An older epoch is refused. A new epoch begins at sequence 0. A batch that is already in the
 * log is acknowledged and not appended. Any other gap is refused.
 */
export function createPartitionLog() {
  const values: string[] = []
  const producers = new Map<bigint, ProducerState>()
  return {
    values,
    /** Returns an error code, or 0 for none. */
    append({ producerId, epoch, firstSequence, values: added }: AppendedBatch): number {
      if (producerId >= 0n) {
        const lastSequence = firstSequence + added.length - 1
        const batch = `${firstSequence}-${lastSequence}`
        const state = producers.get(producerId)
        if (state !== undefined) {
          if (epoch < state.epoch) return INVALID_PRODUCER_EPOCH
          if (epoch === state.epoch && state.batches.includes(batch)) return 0
          const expected = epoch === state.epoch ? state.lastSequence + 1 : 0
          if (firstSequence !== expected) return OUT_OF_ORDER_SEQUENCE_NUMBER
        }
        const before = state?.epoch === epoch ? state.batches : []
        producers.set(producerId, { epoch, lastSequence, batches: [...before, batch].slice(-5) })
      }
      values.push(...added)
      return 0
    },
  }
}
