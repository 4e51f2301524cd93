import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import type { Check } from './check.ts'
import { explain } from './explain.ts'
import { type Finding, look, ok } from './finding.ts'

const TYPES = ['Parent', 'SubDepartment'] as const
const SAMPLE = 100
const checkOf = (type: string): string => `omnium: relation type ${type}`

/**
 * Omnium has no documented list of its relation types, so companies show them: a company that we gave a parent and that has no
 * `Parent` relation means that the type is not set up.
 */
export const relationTypes: Check = {
  names: TYPES.map(checkOf),
  async run({ targets: { omnium }, call, tenant }) {
    const { result } = await omnium.searchCustomers(call, 'B2B', { take: SAMPLE, page: 0 })
    return judgeRelationTypes(tenant, result)
  },
  explain: (error) => explain(error, 'omnium', 'Customer read'),
}

/** Pure. */
export function judgeRelationTypes(tenant: Tenant, companies: readonly OmniumCustomer[]): Finding[] {
  const seen = new Set(
    companies.flatMap(({ customerRelations }) => (customerRelations ?? []).map((it) => it.relationType)),
  )
  const key = `${propertyPrefix(tenant)}ParentVersion`
  const isWritten = companies.some(({ properties }) => properties?.some((it) => it.key === key && Boolean(it.value)))
  return TYPES.map((type) => {
    const check = checkOf(type)
    if (seen.has(type)) return ok(check, 'in use')
    if (!isWritten) {
      const found = `not checked, because no company of ${companies.length} has a parent that we wrote`
      const advice = `Look in Omnium whether the relation type ${type} is set up. Or give a company a parent in Flow, and run the command again.`
      return look(check, found, advice)
    }
    return look(check, 'not in use, although companies have parents', `Set the relation type ${type} up in Omnium.`)
  })
}
