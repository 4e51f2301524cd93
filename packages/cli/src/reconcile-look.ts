import { omniumKindOf } from '@sync/customer-mapper/map-to-omnium'
import { type FlowCustomer, parentUidOf } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { Targets } from '@sync/shared/http/targets'
import { keyOf } from '@sync/shared/kafka/publisher'
import type { OmniumCustomer, OmniumKind } from '@sync/shared/omnium/schema'
import type { Tenant } from '@sync/shared/tenants'
import { withoutRole } from '@sync/shared/without-role'
import { callFor, persistently } from './peers.ts'
import { type ChildSays, type Drift, driftsOf, endsOf, type Pair, relationDrifts } from './reconcile-compare.ts'

/**
 * What one customer's records say now, read one by one from both systems; of its sub-departments only `only`. null: neither
 * system has the customer.
 */
export async function lookAt(
  { flow, omnium }: Targets,
  tenant: Tenant,
  id: string,
  signal: AbortSignal,
  only?: ReadonlySet<string>,
): Promise<Drift[] | null> {
  const call = callFor(tenant, keyOf(tenant.uid, id), signal)
  const inOmnium = (kind: OmniumKind, whose: string) => readOmnium({ omnium }, call, kind, whose)
  const pair = await readPair({ flow, omnium }, call, id)
  const { flow: inFlow, business: asCompany } = pair
  if (inFlow === null && pair.private === null && asCompany === null) return null
  const drifts = driftsOf(id, pair, tenant)
  if (asCompany === null || (inFlow !== null && omniumKindOf(inFlow) === 'B2C')) return drifts
  const own = endsOf(asCompany, tenant)
  const says = async (child: string): Promise<ChildSays> => {
    const customer = await inOmnium('B2B', child)
    return customer === null ? null : endsOf(customer, tenant)
  }
  const children = new Map<string, ChildSays>()
  for (const child of own.children) if (only?.has(child) ?? true) children.set(child, await says(child))
  // One that isn't on the list is asked too: it may name this company all the same.
  for (const child of only ?? []) if (child !== id && !children.has(child)) children.set(child, await says(child))
  const relations = [...relationDrifts(tenant.uid, id, own, children)]
  // Of those above it, only whether they list it.
  for (const parent of own.parents) {
    const company = await inOmnium('B2B', parent)
    const ends = company === null ? null : endsOf(company, tenant)
    const isInFlow = company === null && (await readFlow({ flow }, call, parent)) !== null
    const found = relationDrifts(
      tenant.uid,
      parent,
      ends && { ...ends, children: ends.children.filter((it) => it === id) },
      new Map([[id, own]]),
      isInFlow,
    )
    relations.push(...found.filter(({ kind }) => kind === 'one-sided-relation'))
  }
  return [...drifts, ...relations]
}

/** A customer's records in both systems, each of them null where there is none. */
export async function readPair(
  { flow, omnium }: Pick<Targets, 'flow' | 'omnium'>,
  call: Call,
  id: string,
): Promise<Pair> {
  const [inFlow, asPerson, asCompany] = await Promise.all([
    readFlow({ flow }, call, id),
    readOmnium({ omnium }, call, 'B2C', id),
    readOmnium({ omnium }, call, 'B2B', id),
  ])
  return { flow: inFlow, private: asPerson, business: asCompany }
}

/**
 * Both reads fall back to the list that names a customer whom a by-id read does not find. A server in front of a peer may answer
 * for one path. The whole lists that `reconcile` compares name this customer too. Without the
 * role for the list, the by-id read has to do.
 */
async function readFlow({ flow }: Pick<Targets, 'flow'>, call: Call, id: string): Promise<FlowCustomer | null> {
  const found = await persistently(call.signal, () => flow.getCustomer(call, id))
  if (found !== null) return found
  const linked = await persistently(call.signal, () => flow.findByExternalId(call, id)).catch(withoutRole([]))
  return linked.find(({ customerUid }) => customerUid === id) ?? null
}

async function readOmnium(
  { omnium }: Pick<Targets, 'omnium'>,
  call: Call,
  kind: OmniumKind,
  id: string,
): Promise<OmniumCustomer | null> {
  const found = await persistently(call.signal, () => omnium.getCustomer(call, kind, id))
  if (found !== null) return found
  const asking = { take: 1, page: 0, customerIds: [id] }
  const search = async () => (await omnium.searchCustomers(call, kind, asking)).result
  const result = await persistently(call.signal, search).catch(withoutRole([]))
  return result.find(({ customerId }) => customerId === id) ?? null
}

const MAX_ANCESTORS = 100

/**
 * A missing parent relation that no repair can bring: the parent is no company of Flow's, or Flow's own parents lead in a
 * circle. null: it can.
 */
export async function hopeless(
  { flow }: Targets,
  tenant: Tenant,
  drift: Drift,
  signal: AbortSignal,
): Promise<string | null> {
  if (drift.cure?.by !== 'parent-observed' || drift.cure.parent === null) return null
  const call = callFor(tenant, keyOf(tenant.uid, drift.customer), signal)
  const seen = new Set([drift.customer])
  for (let id: string | null = drift.cure.parent; id !== null && seen.size < MAX_ANCESTORS; ) {
    if (id === drift.customer) return 'the company is its own ancestor in flow'
    if (seen.has(id)) return null
    seen.add(id)
    const company: string = id
    const customer: FlowCustomer | null = await persistently(signal, () => flow.getCustomer(call, company))
    const isParent = id === drift.cure.parent
    if (isParent && (customer === null || omniumKindOf(customer) !== 'B2B')) return 'the parent is no company in flow'
    id = (customer && parentUidOf(customer)) || null
  }
  return null
}

/**
 * Whether a drift is there still; with `withSequel` also whether something is that follows from mending it: a new company's
 * relations, the lists of a company's parents.
 */
export async function isStillThere(
  targets: Targets,
  tenant: Tenant,
  drift: Drift,
  signal: AbortSignal,
  withSequel = false,
): Promise<boolean> {
  const { customer, related, kind, changes } = drift
  const former = kind === 'parent' ? (changes[0]?.before as string[] | undefined) : undefined
  const ids = new Set([customer, ...(related === undefined ? [] : [related]), ...(former ?? [])])
  const hasSequel = withSequel && (kind === 'missing-in-omnium' || kind === 'parent')
  for (const id of ids) {
    for (const found of (await lookAt(targets, tenant, id, signal, ids)) ?? []) {
      if (isSame(found, drift)) return true
      const isOfIt = found.customer === customer || found.related === customer
      if (!hasSequel || !isOfIt || found.repair === 'reported') continue
      if ((await hopeless(targets, tenant, found, signal)) === null) return true
    }
  }
  return false
}

const isSame = (a: Drift, b: Drift): boolean =>
  a.kind === b.kind && a.customer === b.customer && a.related === b.related
