import type { Target } from '@sync/shared/errors'
import { type Outcome, park } from '@sync/shared/outcome'
import { untilNextRead } from '@sync/shared/read-again'
import { createRecent } from './recent.ts'

/**
 * Creates that were answered 409 although no read found the customer. Somebody else may have created the customer a moment ago,
 * so the reads are repeated after 2 s and after 10 s (design/4-peers.md, "409 on a create"). If an own write of the key has an
 * unknown end, it may be this create, so the last read comes when the target cannot execute the write any more.
 */
export interface RefusedCreates {
  /** A create was answered 409. `answer` is the status, without personal data. */
  note(key: string, answer: string, nowMs: number): void
  /** What the create was answered; undefined when no reads are to be made for the key. No create is sent meanwhile. */
  answerOf(key: string, nowMs: number): string | undefined
  /** The read at `nowMs` found nothing. Answers how long to wait for the next read, ms; null after the last read. */
  untilNextRead(key: string, nowMs: number): number | null
  /** A write of the key has an unknown end, and the target may still execute the write until then. */
  expectUntil(key: string, untilMs: number, nowMs: number): void
  forget(key: string): void
}

/** A record that waits longer than this sends its create again. */
const KEEP_MS = 600_000

export function createRefusedCreates(): RefusedCreates {
  const refused = createRecent<{ readonly answer: string; readonly atMs: number }>(KEEP_MS)
  const expected = createRecent<number>(KEEP_MS)
  return {
    expectUntil: (key, untilMs, nowMs) => expected.note(key, untilMs, nowMs),
    note: (key, answer, nowMs) => refused.note(key, { answer, atMs: nowMs }, nowMs),
    answerOf: (key, nowMs) => refused.of(key, nowMs)?.answer,
    untilNextRead(key, nowMs) {
      const atMs = refused.of(key, nowMs)?.atMs
      if (atMs === undefined) return null
      const leftMs = (expected.of(key, nowMs) ?? 0) - nowMs
      return untilNextRead(atMs, nowMs) ?? (leftMs > 0 ? leftMs : null)
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
