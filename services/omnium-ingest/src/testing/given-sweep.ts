import type { SweepCursor } from '@sync/shared/contracts/sweep-cursor'
import { createKnownVersions } from '@sync/shared/kafka/known-versions'
import type { OmniumClient, OmniumQuery } from '@sync/shared/omnium/client'
import type { SweepDepth } from '@sync/shared/sweep'
import { anOmniumCustomer, aTenant } from '@sync/shared/testing/builders'
import { createFakeOmnium } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import { createOmniumSweep } from '../sweep.ts'

const START = Date.parse('2026-02-01T00:00:00Z')
const MINUTE = 60_000
/** ISO 8601, minutes after START. */
export const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString()
const unending = new AbortController().signal
/** The ids '0' to `n - 1`. */
export const everyId = (n: number) => new Set(Array.from({ length: n }, (_, i) => String(i)))

/** The sweep of the tenant acme over a fake Omnium. `mark` is the stored mark of each list. Null means that no mark is stored. */
export function givenSweep({
  mark = at(-600),
  search,
}: {
  mark?: string | null
  search?: OmniumClient['searchCustomers']
} = {}) {
  const omnium = createFakeOmnium()
  const publisher = createFakePublisher()
  const puts: SweepCursor[] = []
  const errors: unknown[] = []
  const queries: OmniumQuery[] = []
  const stored = new Map<string, SweepCursor>()
  for (const entity of ['private-customers', 'business-customers', 'orders'] as const) {
    if (mark !== null) stored.set(entity, { tenant: 'acme', source: 'omnium', entity, mark, sweptAt: mark })
  }
  const searchCustomers: OmniumClient['searchCustomers'] = (call, kind, query) => {
    if (kind === 'B2C') queries.push(query)
    return (search ?? omnium.searchCustomers)(call, kind, query)
  }
  const sweep = createOmniumSweep({
    publisher,
    known: createKnownVersions(),
    overlapMs: 2 * MINUTE,
    deepLookbackMs: 360 * MINUTE,
    now: () => START,
    omnium: { ...omnium, searchCustomers },
    cursors: {
      get: async (_tenant, _source, entity) => stored.get(entity) ?? null,
      put: async (cursor) => {
        puts.push(cursor)
        stored.set(cursor.entity, cursor)
      },
    },
    logger: { error: (fields: unknown) => void errors.push(fields) },
  })
  return {
    ...{ omnium, publisher, puts, stored, errors, queries },
    put: (id: number | string, minutes: number) =>
      omnium.put('B2C', anOmniumCustomer({ customerId: String(id), modified: at(minutes) })),
    run: (depth: SweepDepth = 'mark', tenant = aTenant()) => sweep.sweepTenant(tenant, unending, depth),
    found: () => publisher.values('omnium.notifications.v1').map(({ id }) => id),
  }
}
