import type { ParkReason } from '../outcome.ts'
import { withoutHeaders } from './headers.ts'
import type { RawHeaders, RawMessage } from './ports.ts'
import type { RecordOrigin } from './retry-lane.ts'

export interface DeadLetter {
  readonly origin: RecordOrigin
  readonly reason: ParkReason
  /** For operators: API path, status, field name; never a payload or personal data. */
  readonly message: string
  readonly attempts: number
  /** ms since the epoch. */
  readonly firstFailureAt: number
  readonly lastFailureAt: number
  readonly redrives: number
}

const MAX_MESSAGE_LENGTH = 500

/** The dead letter of a record: its bytes and headers untouched, on the partition of its origin, plus the `dl-*` headers. */
export function deadLetterMessage(
  deadLetterTopic: string,
  original: { readonly key: Buffer | null; readonly value: Buffer | null; readonly headers: RawHeaders },
  letter: DeadLetter,
): RawMessage {
  return {
    topic: deadLetterTopic,
    partition: letter.origin.partition,
    key: original.key,
    value: original.value,
    headers: {
      ...withoutHeaders(original.headers, (name) => name.startsWith('dl-') || name.startsWith('lane-')),
      'dl-topic': letter.origin.topic,
      'dl-partition': String(letter.origin.partition),
      'dl-offset': String(letter.origin.offset),
      'dl-reason': letter.reason,
      'dl-message': letter.message.slice(0, MAX_MESSAGE_LENGTH),
      'dl-attempts': String(letter.attempts),
      'dl-first-failure-at': new Date(letter.firstFailureAt).toISOString(),
      'dl-last-failure-at': new Date(letter.lastFailureAt).toISOString(),
      'dl-redrives': String(letter.redrives),
    },
  }
}
