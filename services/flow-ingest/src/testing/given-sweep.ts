import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import { createKnownVersions } from '@sync/shared/kafka/known-versions'
import type { SweepDepth } from '@sync/shared/sweep'
import { aPerson, aTenant } from '@sync/shared/testing/builders'
import { createFakeFlow } from '@sync/shared/testing/fake-flow'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import { createFlowSweep } from '../sweep.ts'

const MINUTE = 60_000
export const START = Date.parse('2026-02-01T00:00:00Z')
/** ISO 8601, minutes after START. */
export const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString()
export const unending = new AbortController().signal
export const LIMITS = { overlapMs: 2 * MINUTE, deepLookbackMs: 360 * MINUTE }
/** The ids '0' to `n - 1`. */
export const everyId = (n: number) => new Set(Array.from({ length: n }, (_, i) => String(i)))

/** The sweep of the tenant acme over a fake Flow. `mark` is the stored mark. Null means that no mark is stored. */
export function givenSweep({ mark = at(-10) as string | null, now = START } = {}) {
  const flow = createFakeFlow({ now: () => at(0) })
  const publisher = createFakePublisher()
  const known = createKnownVersions()
  const marks: SweepCursor[] = []
  const errors: unknown[] = []
  const logger = { error: (fields: unknown) => void errors.push(fields) }
  if (mark !== null) marks.push({ tenant: 'acme', source: 'flow', entity: 'customers', mark, sweptAt: mark })
  const cursors = {
    get: async () => marks.at(-1) ?? null,
    put: async (cursor: SweepCursor) => void marks.push(cursor),
  }
  const newSweep = () => createFlowSweep({ flow, publisher, known, cursors, ...LIMITS, logger, now: () => now })
  const put = (id: number | string, minutes: number) =>
    flow.put(aPerson({ customerUid: String(id), lastModifiedAt: at(minutes) }))
  const sweep = newSweep()
  return {
    ...{ flow, publisher, known, marks, put, newSweep, cursors, errors, logger },
    run: (depth: SweepDepth = 'mark', tenant = aTenant()) => sweep.sweepTenant(tenant, unending, depth),
    found: () => publisher.values('flow.notifications.v1').map(({ id }) => id),
  }
}
