import { type Outcome, retry, withNotes } from '@sync/shared/outcome'

/**
 * The outcome of a record that can be handled only once these fields of a company in Omnium can be read. It uses up an attempt,
 * and the record is parked when the attempts are used up.
 */
export function unreadable(doing: string, fields: readonly string[]): Outcome {
  const message = `${doing} in omnium: ${fields.join(' and ')} of a company cannot be read`
  return withNotes(retry('target-failed', undefined, message), { unreadable: fields })
}
