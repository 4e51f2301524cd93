import type { Target } from '@sync/shared/errors'
import { type Outcome, park } from '@sync/shared/outcome'
import { untilNextRead } from '@sync/shared/read-again'
import { createRecent } from './recent.ts'

/**
 * Creates that were answered 409 although no read found the customer. Somebody else may have created the customer a moment ago,
 * so the reads are repeated after 2 s and after 10 s (design/4-peers.md, "409 on a create").
 */
export interface RefusedCreates {
  /** A create was answered 409. `answer` is the status, without personal data. */
  note(key: string, answer: string, nowMs: number): void
  /** What the create was answered; undefined when no reads are to be made for the key. No create is sent meanwhile. */
  answerOf(key: string, nowMs: number): string | undefined
  /** The read at `nowMs` found nothing. Answers how long to wait for the next read, ms; null after the last read. */
  untilNextRead(key: string, nowMs: number): number | null
  forget(key: string): void
}

/** A record that waits longer than this sends its create again. */
const KEEP_MS = 600_000

export function createRefusedCreates(): RefusedCreates {
  const refused = createRecent<{ readonly answer: string; readonly atMs: number }>(KEEP_MS)
  return {
    note: (key, answer, nowMs) => refused.note(key, { answer, atMs: nowMs }, nowMs),
    answerOf: (key, nowMs) => refused.of(key, nowMs)?.answer,
    untilNextRead(key, nowMs) {
      const atMs = refused.of(key, nowMs)?.atMs
      return atMs === undefined ? null : untilNextRead(atMs, nowMs)
    },
    forget: (key) => refused.forget(key),
  }
}

/** No read has found the customer, so another value than the id is taken. */
export const parkTaken = (target: Target, answer: string): Outcome =>
  park(
    'refused',
    `creating customer in ${target}: ${answer}, and ${target} has no customer with this id, so another value is taken`,
  )
