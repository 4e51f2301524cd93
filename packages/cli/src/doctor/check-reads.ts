import { SyncError } from '@sync/shared/errors'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { compareVersions } from '@sync/shared/version'
import type { Check } from './check.ts'
import type { DoctorContext } from './context.ts'
import { explain } from './explain.ts'
import { type Finding, look, ok } from './finding.ts'

const SAMPLE = 10

/** One customer as a by-id read and as a `Search` show the customer. `byId` is null if the by-id read is answered "not found" or 403. */
export interface BothReads {
  readonly byId: OmniumCustomer | null
  readonly found: OmniumCustomer
}

export function judgeReads(name: string, reads: readonly BothReads[]): Finding {
  const check = checkOf(name)
  if (reads.length === 0) return ok(check, 'there is no customer to compare')
  const missing = reads.filter(({ byId }) => byId === null).length
  if (missing > 0) {
    const advice = 'Ask whether a store role was withdrawn from our API user, or whether a proxy refuses some ids.'
    return look(
      check,
      `${missing} of ${reads.length} customers that Search lists are not found by id, or refused`,
      advice,
    )
  }
  const differing = reads.filter(({ byId, found }) => compareVersions(byId?.modified, found.modified) !== 0).length
  if (differing > 0) {
    const advice = 'Run the command again. If the number stays, the search index of Omnium lags behind.'
    return look(check, `${differing} of ${reads.length} customers have another modification time`, advice)
  }
  const fields = new Set(
    reads.flatMap(({ byId, found }) => Object.keys(byId ?? {}).filter((field) => !(field in found))),
  )
  const sparse = fields.size === 0 ? '' : `, and Search leaves out ${[...fields].sort().join(', ')}`
  return ok(check, `${reads.length} customers agree${sparse}`)
}

const checkOf = (name: string): string => `omnium: by-id reads of ${name} customers, compared with Search`

/** By-id reads of one kind of customers, compared with `Search`. */
export const readsOfKind = (kind: OmniumKind): Check => {
  const name = kind === 'B2C' ? 'private' : 'business'
  return {
    names: [checkOf(name)],
    run: async (context) => [judgeReads(name, await readsOf(kind, context))],
    explain: (error) => explain(error, 'omnium', 'Customer read'),
  }
}

async function readsOf(kind: OmniumKind, { targets: { omnium }, call }: DoctorContext): Promise<BothReads[]> {
  const { result } = await omnium.searchCustomers(call, kind, { take: SAMPLE, page: 0 })
  const reads: BothReads[] = []
  for (const found of result) {
    if (found.customerId === '') continue
    reads.push({ found, byId: await omnium.getCustomer(call, kind, found.customerId).catch(nullWhereForbidden) })
  }
  return reads
}

/** A customer outside of the stores of our API user is refused alone. */
function nullWhereForbidden(error: unknown): null {
  if (error instanceof SyncError && error.code !== 'role-missing' && error.status === 403) return null
  throw error
}
