import { Partitioners } from 'kafkajs'

const partitioner = Partitioners.DefaultPartitioner()

/** The partition that the producer puts a key on (murmur2, as Java's client does). */
export function partitionOf(key: string, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionId,
    leader: 0,
    partitionErrorCode: 0,
    replicas: [],
    isr: [],
  }))
  return partitioner({ topic: '', partitionMetadata, message: { key, value: null } })
}
