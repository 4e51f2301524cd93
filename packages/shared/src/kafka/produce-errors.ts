import { SyncError } from '../errors.ts'
import { denialOf, innermost, refusalText } from './denials.ts'

/** How a write of one partition ended. Only after `failed` may its records be in the log. */
export type Verdict = 'acknowledged' | 'refused' | 'forbidden' | 'failed'

/** The errors of a broker for a record that it will never take. */
const REFUSALS: readonly unknown[] = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE']

export function verdictOf(error: Error | null): Verdict {
  if (error === null) return 'acknowledged'
  if (REFUSALS.includes((error as { type?: unknown }).type)) return 'refused'
  return denialOf(error) === 'authorization' ? 'forbidden' : 'failed'
}

/**
 * False if the leader has certainly not appended the batch. A leader that has too few replicas refuses a batch before it appends
 * the batch. A leader may append a batch, lose the partition while it waits for its followers, and then answer
 * NOT_LEADER_OR_FOLLOWER. Source: Kafka's `Partition.appendRecordsToLeader` and `Partition.checkEnoughReplicasReachOffset`.
 */
export const mayBeAppended = (error: Error): boolean => (error as { type?: unknown }).type !== 'NOT_ENOUGH_REPLICAS'

/** Whether a broker answered that it cannot do its work yet. */
export const isRetriable = (error: unknown): boolean =>
  error instanceof Error &&
  error.name === 'KafkaJSProtocolError' &&
  (error as { retriable?: unknown }).retriable === true

/** In one line why a write of this topic failed. */
export function problemOf(error: unknown, topic: string): string {
  if (!(error instanceof Error)) return 'failed'
  const { type } = error as { type?: unknown }
  return type === 'TOPIC_AUTHORIZATION_FAILED' ? refusalText('WRITE', 'topic', [topic]) : innermost(error).message
}

export const unavailable = (problem: string, cause?: unknown) =>
  new SyncError('kafka-unavailable', `producing to kafka: ${problem}`, { cause })

export const closedError = (): SyncError => unavailable('the producer was closed')

export const refusedRecord = (cause: Error) =>
  new SyncError('contract-violation', 'producing to kafka: the record is refused (too large, or no such partition?)', {
    cause,
  })

/** A fence throws a SyncError. Any other error that a fence throws stops the write as well. */
export const fencedBy = (error: unknown): SyncError =>
  error instanceof SyncError ? error : new SyncError('fenced', 'asking the fence failed', { cause: error })
