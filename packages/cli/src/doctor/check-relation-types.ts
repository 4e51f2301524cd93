import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import type { DoctorContext } from './context.ts'
import { type Finding, look, notChecked, ok } from './finding.ts'

const TYPES = ['Parent', 'SubDepartment'] as const
const SAMPLE = 100

/**
 * Omnium has no documented list of its relation types, so companies show them: a company that we gave a parent and that has no
 * `Parent` relation means that the type is not set up.
 */
export async function checkRelationTypes(context: DoctorContext): Promise<Finding[]> {
  const { omnium } = context.targets
  try {
    const { result } = await omnium.searchCustomers(context.call, 'B2B', { take: SAMPLE, page: 0 })
    return judgeRelationTypes(context.tenant, result)
  } catch (error) {
    return TYPES.map((type) => notChecked(checkOf(type), error, 'Customer read'))
  }
}

const checkOf = (type: string): string => `omnium: relation type ${type}`

function judgeRelationTypes(tenant: Tenant, companies: readonly OmniumCustomer[]): Finding[] {
  const seen = new Set(
    companies.flatMap(({ customerRelations }) => (customerRelations ?? []).map((it) => it.relationType)),
  )
  const key = `${propertyPrefix(tenant)}ParentVersion`
  const isWritten = companies.some(({ properties }) => properties?.some((it) => it.key === key && Boolean(it.value)))
  return TYPES.map((type) => {
    const check = checkOf(type)
    if (seen.has(type)) return ok(check, 'in use')
    if (!isWritten) return ok(check, 'not in use yet: no company of the sample has a parent that we wrote')
    return look(check, 'not in use, although companies have parents', `Set the relation type ${type} up in Omnium.`)
  })
}
