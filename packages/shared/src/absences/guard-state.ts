import { ABSENCE_GUARD, type SyncCursor } from '../contracts/sweep-cursor.ts'
import { keyOf, type Message } from '../kafka/publisher.ts'
import type { GuardState } from './absence-guards.ts'

/** The state of an absence guard as a record of `sync.cursors.v1`. */
export const guardRecord = ({
  tenant,
  target,
  isTripped,
  at,
  missing,
  reads,
}: GuardState): Message<'sync.cursors.v1'> => ({
  key: keyOf(tenant, `${target}:${ABSENCE_GUARD}`),
  value: {
    ...{ tenant, source: target, entity: ABSENCE_GUARD, mark: isTripped ? 'tripped' : 'released', sweptAt: at },
    ...{ missing, reads },
  },
})

/** null: the record is about something else. */
export function guardStateOf(record: SyncCursor): GuardState | null {
  if (record.entity !== ABSENCE_GUARD) return null
  const { tenant, source, mark, sweptAt, missing = 0, reads = 0 } = record
  return { tenant, target: source, isTripped: mark !== 'released', at: sweptAt, missing, reads }
}

/** The fields of a log line about a trip. Their names end in `Count`, so that the log shows the numbers. */
export const tripFields = ({ tenant, target, missing, reads }: GuardState) => ({
  tenant,
  target,
  missingCount: missing,
  readCount: reads,
})
