import { decideUpsert } from '@sync/customer-mapper/decide'
import { decideFlowUpdate } from '@sync/customer-mapper/decide-flow'
import { differences } from '@sync/customer-mapper/differences'
import { knowsNoParentYet } from '@sync/customer-mapper/made-in-flow'
import { type FlowField, mapFields, omniumKindOf } from '@sync/customer-mapper/map-to-omnium'
import { hasParent, relationsOf } from '@sync/relation-manager/relations'
import { type FlowCustomer, parentUidOf } from '@sync/shared/flow/schema'
import { isUnreadable } from '@sync/shared/http/reading'
import { PARENT_COMPANY } from '@sync/shared/omnium/our-properties'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import { propertyPrefix, type Tenant } from '@sync/shared/tenants'
import { compareVersions } from '@sync/shared/version'
import { fieldChanges } from './field-changes.ts'

export const DRIFT_KINDS = [
  'missing-in-omnium',
  'missing-in-flow',
  'field',
  'link',
  'newer-in-omnium',
  'type-conflict',
  'unmappable',
  'parent',
  'one-sided-relation',
  'parent-company',
  'incomplete-list',
] as const
export type DriftKind = (typeof DRIFT_KINDS)[number]

/** How `--repair` mends it; null: it is reported only, and why. */
export type Cure =
  | { readonly by: 'flow-notification' }
  | { readonly by: 'omnium-notification'; readonly kind: OmniumKind }
  | { readonly by: 'parent-observed'; readonly parent: string | null; readonly version: string }
  | { readonly by: 'child-changed'; readonly child: string; readonly to: string | null; readonly version: string }

/** One thing in which the two systems, or the two ends of a relation, disagree. */
export interface Drift {
  readonly tenant: string
  readonly customer: string
  readonly kind: DriftKind
  /** Where it is wrong. */
  readonly target: 'flow' | 'omnium'
  /** By the target's names. Values only when asked for. */
  readonly changes: readonly { readonly field: string; readonly before?: unknown; readonly after?: unknown }[]
  /** The other company of a relation. */
  readonly related?: string
  /** What `--repair` does about it. */
  readonly repair: 'repaired' | 'reported'
  /** Why it is only reported. */
  readonly why?: string
  readonly cure: Cure | null
}

export interface Pair {
  readonly flow: FlowCustomer | null
  readonly private: OmniumCustomer | null
  readonly business: OmniumCustomer | null
}

/** Everything in which one customer's records disagree, by the mapping that the services use; relations to others apart. */
export function driftsOf(id: string, pair: Pair, tenant: Tenant): Drift[] {
  const { flow } = pair
  const about = { tenant: tenant.uid, customer: id }
  if (flow === null) {
    if (pair.private === null && pair.business === null) return []
    const why = 'flow gets the customers that order'
    return [{ ...about, kind: 'missing-in-flow', target: 'flow', changes: [], repair: 'reported', why, cure: null }]
  }
  const kind = omniumKindOf(flow)
  if (kind === null) {
    const why = 'flow names a type that is neither PERSON nor COMPANY'
    return [{ ...about, kind: 'unmappable', target: 'flow', changes: [], repair: 'reported', why, cure: null }]
  }
  const [own, other] = kind === 'B2C' ? [pair.private, pair.business] : [pair.business, pair.private]
  if (own === null && other !== null) {
    const why = 'the id is a customer of the other kind in omnium'
    return [{ ...about, kind: 'type-conflict', target: 'omnium', changes: [], repair: 'reported', why, cure: null }]
  }
  if (own === null) {
    const cure = { by: 'flow-notification' } as const
    return [{ ...about, kind: 'missing-in-omnium', target: 'omnium', changes: [], repair: 'repaired', cure }]
  }
  return [...fieldDrifts(about, kind, flow, own, tenant), ...parentDrifts(about, flow, own, kind, tenant)]
}

/** The names that a drift can have. */
export function fieldNames(tenant: Tenant): string[] {
  const all = { customerUid: '', customerType: '', ...Object.fromEntries(FLOW_FIELDS.map((field) => [field, ''])) }
  const mapped = (['B2C', 'B2B'] as const).flatMap((kind) => mapFields(kind, all, tenant).map(({ field }) => field))
  const inFlow = tenant.omniumCustomerEvents === 'update' ? FLOW_FIELDS : []
  const others = ['contacts', 'addresses', 'externalId', 'customerRelations', `properties.${PARENT_COMPANY}`]
  return [...new Set([...mapped, ...others, ...inFlow])]
}

const FLOW_FIELDS: readonly FlowField[] = [
  ...(['firstname', 'lastname', 'companyName', 'email', 'mobile', 'address', 'city', 'postalCode'] as const),
  ...(['countryCode', 'vatNumber', 'loyaltyId'] as const),
]

type About = Pick<Drift, 'tenant' | 'customer'>

function fieldDrifts(about: About, kind: OmniumKind, flow: FlowCustomer, own: OmniumCustomer, tenant: Tenant): Drift[] {
  const drifts: Drift[] = []
  const decision = decideUpsert(kind, flow, { own, otherKindExists: false }, tenant)
  const isStale = decision.do === 'nothing' && decision.reason === 'stale'
  const inFlow = tenant.omniumCustomerEvents === 'update' ? decideFlowUpdate(kind, own, flow, tenant) : null
  if (inFlow?.do === 'update') {
    const changes = fieldChanges(flow, { ...flow, ...inFlow.fields })
    const cure = { by: 'omnium-notification', kind } as const
    drifts.push({ ...about, kind: 'field', target: 'flow', changes, repair: 'repaired', cure })
  } else if (isStale && differences(flow, own, tenant).length > 0) {
    const changes = differences(flow, own, tenant).map((field) => ({ field }))
    const why = 'omnium holds a newer version than flow'
    drifts.push({ ...about, kind: 'newer-in-omnium', target: 'omnium', changes, repair: 'reported', why, cure: null })
  } else if (decision.do === 'overlay' || decision.do === 'patch') {
    const known = new Map(fieldChanges(own, { ...own, ...decision.body }).map((change) => [change.field, change]))
    const changes = decision.changed.map((field) => known.get(field) ?? { field })
    const cure = { by: 'flow-notification' } as const
    drifts.push({ ...about, kind: 'field', target: 'omnium', changes, repair: 'repaired', cure })
  }
  if (!flow.externalId && !isUnreadable(flow, 'externalId') && !isStale) {
    const changes = [{ field: 'externalId', before: null, after: flow.customerUid }]
    const cure = { by: 'flow-notification' } as const
    drifts.push({ ...about, kind: 'link', target: 'flow', changes, repair: 'repaired', cure })
  }
  return drifts
}

function parentDrifts(
  about: About,
  flow: FlowCustomer,
  own: OmniumCustomer,
  kind: OmniumKind,
  tenant: Tenant,
): Drift[] {
  if (kind === 'B2C' || knowsNoParentYet(flow, own, tenant)) return []
  const parent = parentUidOf(flow)
  if (parent === undefined) return []
  const relations = relationsOf(own, propertyPrefix(tenant))
  if (relations.hidden.length > 0) {
    const changes = relations.hidden.map((field) => ({ field }))
    const why = 'omnium answers the relations of the company in a form that cannot be read'
    return [{ ...about, kind: 'parent', target: 'omnium', changes, repair: 'reported', why, cure: null }]
  }
  if (hasParent(relations, parent)) return []
  const changes = [{ field: 'customerRelations', before: relations.parents, after: parent === null ? [] : [parent] }]
  const of = {
    ...about,
    kind: 'parent',
    target: 'omnium',
    changes,
    ...(parent !== null && { related: parent }),
  } as const
  const version = flow.lastModifiedAt ?? ''
  if (parent === about.customer) {
    return [{ ...of, repair: 'reported', why: 'flow names the company as its own parent', cure: null }]
  }
  if (compareVersions(version, relations.parentVersion) < 0) {
    return [{ ...of, repair: 'reported', why: 'omnium holds a newer version of the parent than flow', cure: null }]
  }
  return [{ ...of, repair: 'repaired', cure: { by: 'parent-observed', parent, version } }]
}

/** What an Omnium company says of its relations to others. */
export interface Ends {
  readonly id: string
  /** Those that it calls its parent. */
  readonly parents: readonly string[]
  readonly parentVersion: string
  /** Those that it lists as its sub-departments. */
  readonly children: readonly string[]
  readonly parentCompany: string | null
  /** No drift is concluded from relations that cannot be read. */
  readonly isHidden: boolean
}

export function endsOf(company: OmniumCustomer, tenant: Tenant): Ends {
  const { parents, parentVersion, hidden } = relationsOf(company, propertyPrefix(tenant))
  const entries = company.customerRelations ?? []
  const children = entries
    .filter(({ relationType }) => relationType === 'SubDepartment')
    .map((it) => it.customerId ?? '')
  const parentCompany = company.properties?.find(({ key }) => key === PARENT_COMPANY)?.value ?? null
  return {
    id: company.customerId,
    parents,
    parentVersion: parentVersion ?? '',
    children: [...new Set(children)].filter((id) => id !== ''),
    parentCompany,
    isHidden: hidden.length > 0,
  }
}

/** What a child says of its parent; null for one that isn't there. */
export type ChildSays = Pick<Ends, 'parents' | 'parentVersion'> | null

/**
 * In what a company's own list disagrees with what its children say. `children`: those that name it, or that it lists.
 * `ends` null: the company itself isn't there, but children name it; `isInFlow`: it will be, and then has to list them.
 */
export function relationDrifts(
  tenant: string,
  id: string,
  ends: Ends | null,
  children: ReadonlyMap<string, ChildSays>,
  isInFlow = false,
): Drift[] {
  const about = { tenant, customer: id, target: 'omnium' } as const
  const drifts: Drift[] = []
  const listed = new Set(ends?.children)
  for (const [child, says] of children) {
    const isNamed = says?.parents.includes(id) ?? false
    if (isNamed === listed.has(child)) continue
    const change = { field: 'customerRelations', before: listed.has(child), after: isNamed }
    const cure = cureOf(child, says)
    drifts.push({
      ...{ ...about, kind: 'one-sided-relation', changes: [change], related: child },
      ...(ends === null && !isInFlow
        ? { repair: 'reported', why: 'the parent is neither in omnium nor in flow', cure: null }
        : { repair: 'repaired', cure }),
    })
  }
  if (ends === null) return drifts
  // A listed one that wasn't asked is taken at its parent's word.
  const isParent =
    [...children.values()].some((says) => says?.parents.includes(id)) ||
    [...listed].some((child) => !children.has(child))
  if (isParent ? ends.parentCompany !== 'true' : ends.parentCompany === 'true') {
    const [child = id, says = ends] = [...children][0] ?? []
    const after = String(isParent)
    const changes = [{ field: `properties.${PARENT_COMPANY}`, before: ends.parentCompany, after }]
    // Whoever is looked at, the company's own property is set right with it.
    drifts.push({ ...about, kind: 'parent-company', changes, repair: 'repaired', cure: cureOf(child, says) })
  }
  return drifts
}

/** With the child's own words, so that the parent has no write of it to wait for. */
const cureOf = (child: string, says: ChildSays): Cure => ({
  by: 'child-changed',
  child,
  to: says?.parents.length === 1 ? says.parents[0]! : null,
  version: says?.parentVersion ?? '',
})
