import type { EventLoopTurns } from '../event-loop-turns.ts'
import { outcomeOf } from '../failure-outcome.ts'
import type { Fence } from '../http/call.ts'
import type { Logger } from '../logger.ts'
import { type Outcome, retry } from '../outcome.ts'
import type { Classified } from '../stream.ts'
import type { Tenant } from '../tenants.ts'
import { orderOf, type VersionOrder } from '../version.ts'
import type { Classifier } from './classify.ts'
import type { Pending } from './pending.ts'
import type { KeyRun } from './run-key.ts'

export interface KeyClassifierOptions {
  readonly classifier: Classifier
  /** Settles a record that cannot be planned. */
  readonly settleOrWait: (record: Pending, older: readonly Pending[], outcome: Outcome, fence: Fence) => Promise<void>
  readonly turns: EventLoopTurns
  /** The values of the first due records are kept for the handler, and those of the others are decoded again when they are needed. */
  readonly maxKept: number
  readonly logger: Logger
  /** ms by the steady clock. */
  readonly now: () => number
}

interface ClassifiedRecord {
  readonly record: Pending
  readonly classified: Classified
  readonly order: VersionOrder
}

/** A key may have 100,000 records. After so many, other work of the event loop may go first. */
const RECORDS_PER_LOOK = 50

/** Returns the records of the key that can be planned, or null if all of them have to wait. */
export function createKeyClassifier(options: KeyClassifierOptions) {
  const { classifier, settleOrWait, turns, maxKept, logger, now } = options

  /** Counts an attempt of a record that is due. The other records of the key are handled. */
  const countBug = async (record: Pending, bug: unknown, { fence, signal }: KeyRun): Promise<void> => {
    record.firstSeenAt ??= now()
    if (signal.aborted || record.dueAt > now()) return
    logger.error({ err: bug, topic: record.topic }, 'classifying a record failed')
    await settleOrWait(record, [], outcomeOf(bug) ?? retry('handler-failed'), fence)
  }

  return async (records: readonly Pending[], tenant: Tenant | undefined, run: KeyRun) => {
    const all: ClassifiedRecord[] = []
    const add = (record: Pending, classified: Classified) =>
      all.push({ record, classified, order: orderOf('version' in classified ? classified.version : null) })
    let kept = 0
    for (const [index, record] of records.entries()) {
      const turn = index % RECORDS_PER_LOOK === RECORDS_PER_LOOK - 1 ? turns.next() : null
      if (turn !== null) {
        await turn
        if (run.signal.aborted) return null
      }
      const known = classifier.knownOf(record, tenant)
      if (known !== null && known !== 'unreadable') {
        if (known !== 'bug') add(record, known)
        continue
      }
      const result = known === 'unreadable' ? retry('registry-unavailable') : await classifier.classify(record)
      if (run.signal.aborted) return null
      if ('bug' in result) {
        record.classified = { tenant, as: 'bug' }
        await countBug(record, result.bug, run)
      } else if ('kind' in result) {
        record.firstSeenAt ??= now()
        if (result.kind !== 'retry' || record.dueAt <= now()) await settleOrWait(record, [], result, run.fence)
        if (result.kind !== 'retry') continue
        record.classified = { tenant, as: 'unreadable' }
        // The record may be older than the others, so the others wait with it. Otherwise the record would come after them.
        for (const each of records) each.dueAt = Math.max(each.dueAt, record.dueAt)
        return null
      } else {
        record.classified = { tenant, as: result }
        add(record, result)
      }
      if (record.dueAt > now() || kept >= maxKept) classifier.forget(record)
      else kept++
    }
    return all
  }
}
