import { LRUCache } from 'lru-cache'
import { SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import type { Circuits } from '../http/circuits.ts'
import { keyOf } from '../kafka/publisher.ts'
import type { OmniumClient } from '../omnium/client.ts'
import type { OmniumCustomer, OmniumKind } from '../omnium/schema.ts'
import { withoutRole } from '../without-role.ts'
import type { Belief } from './belief.ts'
import { isEncoded, type RoutePorts } from './control-read.ts'
import { idsOfPage } from './empty-list.ts'
import type { ReadRoles } from './read-roles.ts'
import { createSearchIds } from './search-ids.ts'

type OmniumReads = Pick<OmniumClient, 'searchCustomers' | 'searchOrders' | 'getCustomer' | 'getOrder'>

/** What a control read asks of Omnium. */
export const omniumRoutePorts = (omnium: OmniumReads): RoutePorts => ({
  async list(call, route, page) {
    const newest = { take: 1, page, sortOrder: 'ModifiedDescending' } as const
    if (route === 'order') {
      const { result, totalHits } = await omnium.searchOrders(call, newest)
      const ids = result.map(({ id }) => id)
      return idsOfPage(ids, { page, total: totalHits }, call, 'omnium')
    }
    const { result, totalHits } = await omnium.searchCustomers(call, route === 'B2B' ? 'B2B' : 'B2C', newest)
    const ids = result.map(({ customerId }) => customerId)
    return idsOfPage(ids, { page, total: totalHits }, call, 'omnium')
  },
  async exists(call, route, id) {
    const read =
      route === 'order' ? omnium.getOrder(call, id) : omnium.getCustomer(call, route === 'B2B' ? 'B2B' : 'B2C', id)
    return (await read) !== null
  },
})

export interface OmniumBeliefOptions {
  /** Sends without a circuit: the circuit has to see how the belief ended, and not the answer alone. */
  readonly inGuard: OmniumClient
  /** Sends without the queue of the rate limit too, because several callers may wait for one search. */
  readonly aside: Pick<OmniumClient, 'searchCustomers'>
  readonly circuits: Pick<Circuits, 'guard'>
  readonly belief: Belief
  readonly readRoles: Pick<ReadRoles, 'require' | 'read'>
  readonly now: () => number
  readonly signal: AbortSignal
}

/** An id that only `Search` finds is read through `Search` for so long. */
const THROUGH_SEARCH_MS = 3_600_000
const MAX_THROUGH_SEARCH = 10_000

/**
 * Omnium, of which a "not found" answer is believed only as design/4-peers.md says. A customer whose id a server in front of
 * Omnium refuses in a path is read through `Search`. An order cannot be: the model of the search has no order ids.
 */
export function believingOmnium(options: OmniumBeliefOptions): OmniumClient {
  const { inGuard, aside, circuits, belief, readRoles, now, signal } = options
  const searchOf = (kind: OmniumKind) =>
    createSearchIds<OmniumCustomer>({
      search: (call, customerIds, page) => aside.searchCustomers(call, kind, { ...page, customerIds }),
      idOf: ({ customerId }) => customerId,
      signal,
    })
  const searchById = { B2C: searchOf('B2C'), B2B: searchOf('B2B') }
  const throughSearch = new LRUCache<string, true>({
    max: MAX_THROUGH_SEARCH,
    ttl: THROUGH_SEARCH_MS,
    ttlResolution: 0,
    perf: { now },
  })
  const nameOf = ({ tenant }: Call, id: string) => keyOf(tenant.uid, id)

  /** A missing role for `Search` leaves the by-id read as it is. */
  const findInSearch = (call: Call, kind: OmniumKind, id: string): Promise<OmniumCustomer | null> =>
    searchById[kind](call, id).catch(withoutRole(null))
  /** null: `Search` finds the id as the other kind, and counts as the by-id read. Throws `error` when it does not help. */
  const readBlocked = async (call: Call, kind: OmniumKind, id: string, error: SyncError) => {
    await belief.blocked(call, kind, id, error)
    if (error.blame !== 'record') throw error
    const hit = await findInSearch(call, kind, id)
    if (hit === null && (await findInSearch(call, kind === 'B2C' ? 'B2B' : 'B2C', id)) === null) throw error
    // A 5xx passes; any other answer is meant for this path.
    if ((error.status ?? 500) < 500) throughSearch.set(nameOf(call, id), true)
    return hit
  }
  const readOnce = async (call: Call, kind: OmniumKind, id: string): Promise<OmniumCustomer | null> => {
    if (throughSearch.has(nameOf(call, id))) return searchById[kind](call, id)
    try {
      const customer = await readRoles.read(call, kind, () => inGuard.getCustomer(call, kind, id))
      if (customer !== null || !isEncoded(id)) return customer
    } catch (error) {
      if (!(error instanceof SyncError) || error.code !== 'html-response') throw error
      return readBlocked(call, kind, id, error)
    }
    const hit = await findInSearch(call, kind, id)
    if (hit !== null) throughSearch.set(nameOf(call, id), true)
    return hit
  }
  const readCustomer = async (call: Call, kind: OmniumKind, id: string) => {
    const customer = await readOnce(call, kind, id)
    if (customer === null) await belief.missed(call, kind, id)
    else belief.found(call, kind, id)
    return customer
  }
  const readOrder = async (call: Call, id: string) => {
    const read = readRoles.read(call, 'order', () => inGuard.getOrder(call, id))
    const order = await read.catch(async (error: unknown) => {
      if (error instanceof SyncError && error.code === 'html-response') await belief.blocked(call, 'order', id, error)
      throw error
    })
    if (order === null) await belief.missed(call, 'order', id)
    else belief.found(call, 'order', id)
    return order
  }
  /** An order whose id a server in front of Omnium refuses in a path. The order was changed lately, or nobody would look for it. */
  const isAmongNewestOrders = async (call: Call, id: string): Promise<boolean> => {
    const asking = { take: 100, page: 0, sortOrder: 'ModifiedDescending' } as const
    const search = () => inGuard.searchOrders(call, asking)
    const { result } = await circuits.guard(call, 'omnium', false, search, 'order')
    return result.some((order) => order.id === id)
  }
  const write = <T extends string>(call: Call, kind: OmniumKind, id: string, send: () => Promise<T>) =>
    belief.write(call, kind, id, send, () => readCustomer(call, kind, id))

  return {
    inSlot: inGuard.inSlot,
    async getCustomer(call, kind, id) {
      if (!throughSearch.has(nameOf(call, id))) readRoles.require(call, kind)
      return circuits.guard(call, 'omnium', false, () => readCustomer(call, kind, id), kind)
    },
    async getOrder(call, id) {
      readRoles.require(call, 'order')
      return circuits.guard(call, 'omnium', false, () => readOrder(call, id), 'order')
    },
    searchCustomers: (call, kind, asking) =>
      circuits.guard(call, 'omnium', false, () => inGuard.searchCustomers(call, kind, asking), kind),
    searchOrders: (call, asking) =>
      circuits.guard(call, 'omnium', false, () => inGuard.searchOrders(call, asking), 'order'),
    async createCustomer(call, kind, customer) {
      const send = () => inGuard.createCustomer(call, kind, customer)
      const created = await circuits.guard(call, 'omnium', true, send, kind)
      if (created.end === 'created') belief.created(call, kind, [String(customer.customerId), created.id])
      return created
    },
    updatePrivateCustomer: (call, customer) =>
      write(call, 'B2C', String(customer.customerId), () => inGuard.updatePrivateCustomer(call, customer)),
    updateBusinessCustomer: (call, customer) =>
      write(call, 'B2B', String(customer.customerId), () => inGuard.updateBusinessCustomer(call, customer)),
    patchCustomer: (call, kind, fields) =>
      write(call, kind, fields.customerId, () => inGuard.patchCustomer(call, kind, fields)),
    // This request is not checked like a write of the company, because "not found" may be about the contact.
    deleteContactPerson: (call, id, contactPersonId) =>
      circuits.guard(call, 'omnium', true, () => inGuard.deleteContactPerson(call, id, contactPersonId), 'B2B'),
    proveAbsent: (call, kind, id, evidence = {}) => {
      const isFound = () =>
        circuits.guard(
          call,
          'omnium',
          false,
          async () => (await searchById[kind as OmniumKind](call, id)) !== null,
          kind,
        )
      const isListed = isEncoded(id) ? () => isAmongNewestOrders(call, id) : null
      return belief.prove(call, kind, id, evidence, kind === 'order' ? isListed : isFound)
    },
  }
}
