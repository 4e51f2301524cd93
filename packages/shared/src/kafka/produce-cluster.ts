import type { ProduceRequest } from './produce-request.ts'

/** A Kafka cluster as a producer needs it. No call repeats a request by itself. */
export interface ProduceCluster {
  connect(): Promise<void>
  disconnect(): Promise<void>
  /** A producer id that nobody else has. */
  newProducerId(): Promise<bigint>
  /** Who leads the partitions of these topics. A topic that cannot be asked about has an error and fails no other topic. */
  leadersOf(topics: readonly string[]): Promise<ReadonlyMap<string, TopicLeaders>>
  /**
   * Sends a request to a broker. `leave` makes the request and is called synchronously right before the bytes leave the process,
   * at most once, and possibly long after the caller has given up. With null nothing leaves, and the promise rejects.
   */
  produce(nodeId: number, leave: () => ProduceRequest | null): Promise<readonly PartitionAnswer[]>
  /** Closes the connections to a broker that does not answer. Bytes that have not left this process by then never leave. */
  drop(nodeId: number): void
}

/** Node ids by partition. A partition without a leader has null. */
export type TopicLeaders = readonly (number | null)[] | Error

export interface PartitionAnswer {
  readonly topic: string
  readonly partition: number
  /** null if the records were appended and acknowledged. */
  readonly error: Error | null
}
