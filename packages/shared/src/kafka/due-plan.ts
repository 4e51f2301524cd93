import type { Classified } from '../stream.ts'
import type { Plannable } from './plan.ts'
import type { RecordOrigin } from './retry-lane.ts'

interface Waiting {
  readonly origin: RecordOrigin
  readonly dueAt: number
  /** null unless the record is from the retry topic. */
  readonly mark: unknown
}

/** A record that is never superseded and that is in its original place. It is handled before those of its kind that came later. */
export const keepsPlace = (record: Waiting, classified: Classified): boolean =>
  'group' in classified && classified.group === null && record.mark === null

/**
 * The records of a key that are needed to plan its due records. These are the due records, the records that supersede a due
 * record or are superseded by one, and the records that only have to be ended. The first record that waits in its place is needed
 * too, because later records wait for it.
 */
export function neededForDue<R extends Waiting>(records: readonly Plannable<R>[], at: number): readonly Plannable<R>[] {
  const groups = new Map<string, Set<string>>()
  for (const { record, classified } of records) {
    if ('end' in classified) {
      // It ends what stands before it, whether that is due or not.
      if (classified.endsOlder) return records
    } else if (classified.group !== null && record.dueAt <= at) {
      const topics = groups.get(classified.group)
      if (topics === undefined) groups.set(classified.group, new Set([record.origin.topic]))
      else topics.add(record.origin.topic)
    }
  }
  let hasWaiting = false
  return records.filter(({ record, classified }) => {
    if (record.dueAt <= at || 'end' in classified) return true
    if (classified.group !== null) return groups.get(classified.group)?.has(record.origin.topic) === true
    if (hasWaiting || record.mark !== null) return false
    hasWaiting = true
    return true
  })
}
