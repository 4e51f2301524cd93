import { SyncError } from '../errors.ts'
import type { FlowClient } from '../flow/client.ts'
import type { Call } from '../http/call.ts'
import type { Circuits } from '../http/circuits.ts'
import { withoutRole } from '../without-role.ts'
import type { Belief } from './belief.ts'
import type { RoutePorts } from './control-read.ts'
import { idsOfPage } from './empty-list.ts'
import type { ReadRoles } from './read-roles.ts'

/** What a control read asks of Flow. Flow lists orders by store only, so no list names an order. */
export const flowRoutePorts = (flow: Pick<FlowClient, 'listCustomers' | 'getCustomer' | 'getOrder'>): RoutePorts => ({
  async list(call, route, page) {
    if (route === 'order') return null
    const newest = { pageNumber: page + 1, pageSize: 1, sortBy: 'lastModifiedAt', sortDirection: 'DESC' } as const
    const { items, paging } = await flow.listCustomers(call, newest)
    const ids = items.map(({ customerUid }) => customerUid)
    return idsOfPage(ids, { page, total: paging?.totalCount }, call, 'flow')
  },
  async exists(call, route, id) {
    return (await (route === 'order' ? flow.getOrder(call, id) : flow.getCustomer(call, id))) !== null
  },
})

/**
 * Flow, of which a "not found" answer is believed only as design/4-peers.md says. `inGuard` sends without a circuit, because
 * the circuit has to see how the belief ended, and not the answer alone.
 */
export function believingFlow(
  inGuard: FlowClient,
  circuits: Pick<Circuits, 'guard'>,
  belief: Belief,
  readRoles: Pick<ReadRoles, 'require' | 'read'>,
): FlowClient {
  const readById = async <T>(call: Call, route: 'customer' | 'order', id: string, read: () => Promise<T | null>) => {
    const found = await readRoles.read(call, route, read).catch(async (error: unknown) => {
      if (error instanceof SyncError && error.code === 'html-response') await belief.blocked(call, route, id, error)
      throw error
    })
    if (found === null) await belief.missed(call, route, id)
    else belief.found(call, route, id)
    return found
  }
  const readCustomer = (call: Call, id: string) => readById(call, 'customer', id, () => inGuard.getCustomer(call, id))

  const findByExternalId = (call: Call, externalId: string) =>
    circuits.guard(call, 'flow', false, () => inGuard.findByExternalId(call, externalId), 'customer')
  /**
   * Whether the list names the id. Flow has no search by id, but a customer that came from Omnium has the same text as uid and as
   * `externalId`. Such a text may need an encoded `+` or `/` in a path, which a server in front of Flow may refuse. Without the
   * role for the list the by-id reads have to do.
   */
  const isListed = async (call: Call, id: string): Promise<boolean> => {
    const listed = await findByExternalId(call, id).catch(withoutRole([]))
    return listed.some(({ customerUid }) => customerUid === id)
  }

  return {
    inSlot: inGuard.inSlot,
    async getCustomer(call, id) {
      readRoles.require(call, 'customer')
      return circuits.guard(call, 'flow', false, () => readCustomer(call, id), 'customer')
    },
    async getOrder(call, id) {
      readRoles.require(call, 'order')
      const read = () => readById(call, 'order', id, () => inGuard.getOrder(call, id))
      return circuits.guard(call, 'flow', false, read, 'order')
    },
    listCustomers: (call, page) =>
      circuits.guard(call, 'flow', false, () => inGuard.listCustomers(call, page), 'customer'),
    findByExternalId,
    async createCustomer(call, customer) {
      const created = await circuits.guard(call, 'flow', true, () => inGuard.createCustomer(call, customer), 'customer')
      if (created.end === 'created') belief.created(call, 'customer', [String(customer.customerUid), created.id])
      return created
    },
    updateCustomer: (call, id, fields) =>
      belief.write(
        call,
        'customer',
        id,
        () => inGuard.updateCustomer(call, id, fields),
        () => readCustomer(call, id),
      ),
    proveAbsent: (call, kind, id, evidence = {}) =>
      belief.prove(call, kind, id, evidence, kind === 'order' ? null : () => isListed(call, id)),
  }
}
