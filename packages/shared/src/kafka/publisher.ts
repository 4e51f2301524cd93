import type { ValueOf } from '../contracts/contracts.ts'
import type { Fence } from '../http/call.ts'
import type { ContractTopic } from './topics.ts'

/** One record to write; `value: null` is a tombstone. The headers event-id, source, occurred-at and traceparent are added. */
export interface Message<T extends ContractTopic> {
  readonly key: string
  readonly value: ValueOf<T> | null
  readonly traceparent?: string
}

/**
 * Writes records with acks=all; resolves once the broker acknowledged all of them, in the order of a key's calls.
 * The implementer batches concurrent calls, encodes by the topic's contract, and asks `fence` right before the produce.
 * Throws SyncError `kafka-unavailable` (within its deadline), `registry-unavailable`, `contract-violation` or `fenced`.
 */
export interface Publisher {
  publish<T extends ContractTopic>(topic: T, messages: readonly Message<T>[], fence?: Fence): Promise<void>
}

/** The key of a tenant's record, as in the topic table. */
export const keyOf = (tenant: string, id: string): string => `${tenant}:${id}`
