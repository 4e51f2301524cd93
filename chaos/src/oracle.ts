import { isDeepStrictEqual } from 'node:util'
import type { Fields } from '@sync/sandbox/fields'
import { AS_SENT, type FormOf } from './forms.ts'
import { NO_TYPE, nameOf, type Operation, type PlannedTenant } from './operations.ts'
import { flowFromOmnium, omniumCompany, omniumPerson } from './oracle-mapping.ts'
import { COMPANY_FIELDS, PERSON_FIELDS } from './people.ts'
import { plain } from './plain.ts'

/** What a customer looks like at the end, in one system. */
export interface ExpectedCustomer {
  readonly tenant: string
  readonly id: string
  readonly fields: Fields
  /** Whether the services must have written it from what Flow holds. */
  readonly isFromFlow: boolean
  /** The web shop created the customer, so that Omnium knows when that was. */
  readonly isBornInOmnium: boolean
  /** null for one that was edited at the till alone. */
  readonly contested: Contested | null
}
/**
 * A customer of a tenant whose web shop's edits go to Flow, and whom the web shop edited. Who was last is a matter of
 * time, so that only this is known: in Flow each mapped field is one that somebody gave it, and Omnium holds the same.
 * Where Flow has never had a field, Omnium keeps its own: nothing is emptied there that Flow does not say.
 */
export interface Contested {
  /** By Flow's names for the fields. */
  readonly given: ReadonlyMap<string, ReadonlySet<unknown>>
  /** What Omnium holds where Flow holds these fields, and `row` stands in Omnium. */
  inOmnium(flow: Fields, row: Fields): Fields
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
 * services. The rules are those of the field tables. All values have the form that `formOf` gives them.
 */
export function expectedEnd(
  tenants: readonly PlannedTenant[],
  duringFaults: readonly Operation[],
  atRest: readonly Operation[] = [],
  formOf: FormOf = AS_SENT,
): Expected {
  const operations = [...duringFaults, ...atRest].map((operation) =>
    'fields' in operation ? { ...operation, fields: formOf(operation.tenant, operation.fields) } : operation,
  )
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
      if (tenantOf.get(tenant)!.omniumCustomerEvents !== 'off') bring(name)
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
  const given = new Map([...typed].map(([name, { fields }]) => [name, givenAtFirst(fields)]))
  /** Besides what was given before; at rest instead of it. */
  const give = (name: string, fields: Fields, isAtRest: boolean) => {
    const values = given.get(name)!
    for (const [field, value] of Object.entries(fields)) {
      if (isAtRest) values.set(field, new Set([value ?? '']))
      else values.get(field)?.add(value ?? '')
    }
  }
  const edited = new Set<string>()
  const contested = new Set<string>()
  for (const [i, operation] of operations.entries()) {
    const isAtRest = i >= duringFaults.length
    if (operation.kind === 'flow-edit' || operation.kind === 'correct') {
      const name = nameOf(operation.tenant, operation.uid)
      Object.assign(typed.get(name)!.fields, operation.fields)
      give(name, operation.fields, isAtRest)
      edited.add(name)
    } else if (operation.kind === 'shop-edit') {
      const name = nameOf(operation.tenant, operation.id)
      give(name, operation.fields, isAtRest)
      contested.add(name)
    } else if (operation.kind === 'omnium-edit') {
      const name = nameOf(operation.tenant, operation.id)
      Object.assign(web.get(name)!.fields, operation.fields)
      if (tenantOf.get(operation.tenant)!.omniumCustomerEvents === 'update') contested.add(name)
    }
  }

  const inFlow = new Map<string, ExpectedCustomer>()
  const privateInOmnium = new Map<string, ExpectedCustomer>()
  const businessInOmnium = new Map<string, ExpectedCustomer>()
  for (const [name, { tenant, id, fields }] of typed) {
    const externalId = poison.has(name) ? null : id
    const settings = tenantOf.get(tenant)!
    const shop = web.get(name)
    const isCompany = fields.customerType === 'COMPANY'
    const inOmnium = (flow: Fields) => (isCompany ? omniumCompany : omniumPerson)(settings, id, flow, shop?.fields)
    const both = contested.has(name) ? contestedBy(given.get(name)!, inOmnium, isCompany ? 'B2B' : 'B2C') : null
    const end = { ...fields, customerUid: id, externalId }
    const isBornInOmnium = shop !== undefined
    inFlow.set(name, { tenant, id, fields: end, isFromFlow: true, isBornInOmnium, contested: both })
    if (poison.has(name)) continue
    const mapped = shop === undefined || edited.has(name) ? inOmnium(fields) : shop.fields
    // An edit that comes to what the web shop has anyway is none that is written; a contested one may be none either.
    const isEdited = both === null && shop !== undefined && !isDeepStrictEqual(plain(mapped), plain(shop.fields))
    const into = isCompany ? businessInOmnium : privateInOmnium
    const isFromFlow = shop === undefined || isEdited
    into.set(name, { tenant, id, fields: mapped, isFromFlow, isBornInOmnium, contested: both })
  }
  for (const [name, { tenant, id, type, fields }] of web) {
    if (typed.has(name)) continue
    const into = type === 'B2B' ? businessInOmnium : privateInOmnium
    into.set(name, { tenant, id, fields, isFromFlow: false, isBornInOmnium: true, contested: null })
  }
  return { inFlow, privateInOmnium, businessInOmnium, companies: graphOf(businessInOmnium, typed, web), poison, cured }
}

const MAPPED = [...new Set([...PERSON_FIELDS, ...COMPANY_FIELDS])]
const givenAtFirst = (fields: Fields) => new Map(MAPPED.map((field) => [field, new Set([fields[field] ?? ''])]))

function contestedBy(given: Contested['given'], inOmnium: (flow: Fields) => Fields, type: 'B2C' | 'B2B'): Contested {
  return {
    given,
    inOmnium(flow, row) {
      const held = flowFromOmnium(type, row)
      const lacking = [...given].filter(([field, values]) => flow[field] === undefined && values.has(held[field] ?? ''))
      return inOmnium({ ...flow, ...Object.fromEntries(lacking.map(([field]) => [field, held[field]])) })
    },
  }
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
