import { isDeepStrictEqual } from 'node:util'
import type { Fields } from '@sync/sandbox/fields'
import { NO_TYPE, nameOf, type Operation, type PlannedTenant } from './operations.ts'
import { flowFromOmnium, omniumCompany, omniumPerson } from './oracle-mapping.ts'
import { plain } from './plain.ts'

/** What a customer looks like at the end, in one system. */
export interface ExpectedCustomer {
  readonly tenant: string
  readonly id: string
  readonly fields: Fields
  /** Whether the services must have written it from what Flow holds. */
  readonly isFromFlow: boolean
}
export interface ExpectedCompany {
  readonly tenant: string
  readonly id: string
  readonly parent: string | null
  readonly children: readonly string[]
  /** Relations that somebody else made: they stay. */
  readonly foreign: readonly Fields[]
}

/** By `tenant:id`. */
export interface Expected {
  readonly inFlow: ReadonlyMap<string, ExpectedCustomer>
  readonly privateInOmnium: ReadonlyMap<string, ExpectedCustomer>
  readonly businessInOmnium: ReadonlyMap<string, ExpectedCustomer>
  readonly companies: ReadonlyMap<string, ExpectedCompany>
  /** Omnium refuses them to the end, or nobody can map them: they stay parked. */
  readonly poison: ReadonlySet<string>
  /** They were refused for a while: whether they were parked meanwhile is a matter of time. */
  readonly cured: ReadonlySet<string>
}

/**
 * The end of a workload, from the workload alone: nothing is read from a running system, and no code is shared with the
 * services. The rules are those of the field tables.
 */
export function expectedEnd(tenants: readonly PlannedTenant[], operations: readonly Operation[]): Expected {
  const tenantOf = new Map(tenants.map((tenant) => [tenant.uid, tenant]))
  const typed = new Map<string, { tenant: string; id: string; fields: Fields }>()
  const web = new Map<string, { tenant: string; id: string; type: 'B2C' | 'B2B'; fields: Fields }>()
  const poison = new Set<string>()
  const cured = new Set<string>()

  const bring = (name: string) => {
    const shop = web.get(name)
    if (shop === undefined || typed.has(name)) return
    const { tenant, id, type, fields } = shop
    typed.set(name, { tenant, id, fields: flowFromOmnium(type, fields) })
  }
  for (const operation of operations) {
    if (operation.kind === 'flow-create') {
      const { tenant, uid: id, fields } = operation
      typed.set(nameOf(tenant, id), { tenant, id, fields: { ...fields } })
      if (fields.customerType === NO_TYPE) poison.add(nameOf(tenant, id))
    } else if (operation.kind === 'omnium-create') {
      const { tenant, id, type, fields } = operation
      const name = nameOf(tenant, id)
      web.set(name, { tenant, id, type, fields: { ...fields } })
      if (tenantOf.get(tenant)!.omniumCustomerEvents === 'create') bring(name)
    } else if (operation.kind === 'omnium-order' && operation.customerId !== null) {
      bring(nameOf(operation.tenant, operation.customerId))
    } else if (operation.kind === 'poison') {
      poison.add(nameOf(operation.tenant, operation.uid))
    } else if (operation.kind === 'cure' || operation.kind === 'correct') {
      const name = nameOf(operation.tenant, operation.uid)
      poison.delete(name)
      cured.add(name)
    }
  }
  const edited = new Set<string>()
  for (const operation of operations) {
    if (operation.kind === 'flow-edit' || operation.kind === 'correct') {
      const name = nameOf(operation.tenant, operation.uid)
      Object.assign(typed.get(name)!.fields, operation.fields)
      edited.add(name)
    } else if (operation.kind === 'omnium-edit') {
      Object.assign(web.get(nameOf(operation.tenant, operation.id))!.fields, operation.fields)
    }
  }

  const inFlow = new Map<string, ExpectedCustomer>()
  const privateInOmnium = new Map<string, ExpectedCustomer>()
  const businessInOmnium = new Map<string, ExpectedCustomer>()
  for (const [name, { tenant, id, fields }] of typed) {
    const externalId = poison.has(name) ? null : id
    inFlow.set(name, { tenant, id, fields: { ...fields, customerUid: id, externalId }, isFromFlow: true })
    if (poison.has(name)) continue
    const settings = tenantOf.get(tenant)!
    const shop = web.get(name)
    const isCompany = fields.customerType === 'COMPANY'
    const map = isCompany ? omniumCompany : omniumPerson
    const mapped = shop === undefined || edited.has(name) ? map(settings, id, fields, shop?.fields) : shop.fields
    // An edit that comes to what the web shop has anyway is none that is written.
    const isFromFlow = shop === undefined || !isDeepStrictEqual(plain(mapped), plain(shop.fields))
    const into = isCompany ? businessInOmnium : privateInOmnium
    into.set(name, { tenant, id, fields: mapped, isFromFlow })
  }
  for (const [name, { tenant, id, type, fields }] of web) {
    if (typed.has(name)) continue
    const into = type === 'B2B' ? businessInOmnium : privateInOmnium
    into.set(name, { tenant, id, fields, isFromFlow: false })
  }
  return { inFlow, privateInOmnium, businessInOmnium, companies: graphOf(businessInOmnium, typed, web), poison, cured }
}

function graphOf(
  business: ReadonlyMap<string, ExpectedCustomer>,
  typed: ReadonlyMap<string, { readonly fields: Fields }>,
  web: ReadonlyMap<string, { readonly fields: Fields }>,
): Map<string, ExpectedCompany> {
  const parentOf = (name: string) =>
    (typed.get(name)?.fields.parentCustomer as { customerUid: string } | null | undefined)?.customerUid ?? null
  const children = new Map<string, string[]>()
  for (const [name, { tenant, id }] of business) {
    const parent = parentOf(name)
    if (parent === null) continue
    const at = nameOf(tenant, parent)
    children.set(at, [...(children.get(at) ?? []), id])
  }
  const companies = new Map<string, ExpectedCompany>()
  for (const [name, { tenant, id }] of business) {
    const foreign = (web.get(name)?.fields.customerRelations as Fields[] | undefined) ?? []
    companies.set(name, { tenant, id, parent: parentOf(name), children: children.get(name) ?? [], foreign })
  }
  return companies
}
