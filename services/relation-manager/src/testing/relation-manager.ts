import type { ChildChanged, ElementRemoved, ParentObserved } from '@sync/shared/contracts/parent-change'
import { SyncError } from '@sync/shared/errors'
import type { Fence } from '@sync/shared/http/call'
import type { OmniumRelation } from '@sync/shared/omnium/schema'
import type { Outcome } from '@sync/shared/outcome'
import { aCall, aCompany, aDelivery, type DeliveryFields } from '@sync/shared/testing/builders'
import { createFakeFlow } from '@sync/shared/testing/fake-flow'
import { createFakeOmnium, type PatchLists } from '@sync/shared/testing/fake-omnium'
import { createFakePublisher } from '@sync/shared/testing/fake-publisher'
import type { ParentChangeDelivery } from '../fold.ts'
import { createRelationManager } from '../handler.ts'

export const START = Date.parse('2026-02-01T00:00:00Z')
export const CONFIRM_MS = 60_000
export const WAIT_MS = 1_800_000
export const DEADLINE_MS = 10_000

export const V1 = '2026-01-01T10:00:00.000Z'
export const V2 = '2026-01-01T11:00:00.000Z'
export const V3 = '2026-01-01T12:00:00.000Z'

/** "C has parent B at V2", unless told otherwise; its key is the company's. */
export function observed(fields: Partial<ParentObserved> = {}, delivery: DeliveryFields = {}): ParentChangeDelivery {
  const value: ParentObserved = {
    type: 'parent-observed',
    tenant: 'acme',
    company: 'C',
    parent: 'B',
    version: V2,
    repair: false,
    notifiedAt: V2,
    ...fields,
  }
  return aDelivery('company.parent-changes.v1', value, { id: value.company, firstSeenAt: START, ...delivery })
}

/** "C's parent becomes P at V2, look at it, P", unless told otherwise; its key is the parent's. */
export function childChanged(fields: Partial<ChildChanged> = {}, delivery: DeliveryFields = {}): ParentChangeDelivery {
  const value: ChildChanged = {
    type: 'child-changed',
    tenant: 'acme',
    parent: 'P',
    child: 'C',
    to: 'P',
    version: V2,
    notifiedAt: V2,
    ...fields,
  }
  return aDelivery('company.parent-changes.v1', value, { id: value.parent, firstSeenAt: START, ...delivery })
}

/** "Omnium has kept the contact c1 of C", unless told otherwise; its key is the company's. */
export function elementRemoved(fields: Partial<ElementRemoved> = {}): ParentChangeDelivery {
  const value: ElementRemoved = {
    type: 'element-removed',
    tenant: 'acme',
    company: 'C',
    list: 'contacts',
    id: 'c1',
    notifiedAt: V2,
    ...fields,
  }
  return aDelivery('company.parent-changes.v1', value, { id: value.company, firstSeenAt: START })
}

export const lostReply = () =>
  new SyncError('target-timeout', 'patching in omnium: no answer', { target: 'omnium', unknownEnd: true })
export const refusal = () => new SyncError('target-refused', 'patching in omnium: 400', { status: 400 })

interface Company {
  readonly parent?: string
  readonly version?: string
  readonly children?: readonly string[]
  readonly isParent?: 'true' | 'false'
  readonly relations?: readonly OmniumRelation[]
}

/** The handler among stateful fakes, and a clock that stands still unless it is moved. */
export function createRelationWorld({ patchLists = 'replace' }: { patchLists?: PatchLists } = {}) {
  const flow = createFakeFlow()
  const omnium = createFakeOmnium({ patchLists })
  const publisher = createFakePublisher()
  const manager = createRelationManager({
    flow,
    omnium,
    publisher,
    parentConfirmMs: CONFIRM_MS,
    parentWaitMs: WAIT_MS,
    requestDeadlineMs: DEADLINE_MS,
    random: () => 0.5,
  })
  const world = {
    flow,
    omnium,
    publisher,
    now: START,
    fence: (() => {}) as Fence,
    inFlow(customerUid: string, parent: string | null = null, lastModifiedAt = V2) {
      flow.put(aCompany({ customerUid, lastModifiedAt, parentCustomer: parent && { customerUid: parent } }))
    },
    inOmnium(customerId: string, { parent, version, children = [], isParent, relations = [] }: Company = {}) {
      omnium.put('B2B', {
        customerId,
        customerRelations: [
          ...relations,
          ...(parent === undefined ? [] : [{ customerId: parent, customerType: 'B2B', relationType: 'Parent' }]),
          ...children.map((child) => ({ customerId: child, customerType: 'B2B', relationType: 'SubDepartment' })),
        ],
        properties: [
          ...(version === undefined ? [] : [{ key: 'flowParentVersion', value: version }]),
          ...(isParent === undefined ? [] : [{ key: 'Parent company', value: isParent }]),
        ],
      })
    },
    async handle(...deliveries: ParentChangeDelivery[]): Promise<readonly Outcome[]> {
      const call = aCall({ key: deliveries[0]!.key, fence: () => world.fence() })
      return manager.handle(deliveries, { call, now: () => world.now })
    },
    parentOf: (id: string) =>
      omnium.customer('B2B', id)?.customerRelations?.find(({ relationType }) => relationType === 'Parent')
        ?.customerId ?? null,
    parentsOf: (id: string) =>
      (omnium.customer('B2B', id)?.customerRelations ?? [])
        .filter(({ relationType }) => relationType === 'Parent')
        .map(({ customerId }) => customerId),
    childrenOf: (id: string) =>
      (omnium.customer('B2B', id)?.customerRelations ?? [])
        .filter(({ relationType }) => relationType === 'SubDepartment')
        .map(({ customerId }) => customerId),
    property: (id: string, key: string) =>
      omnium.customer('B2B', id)?.properties?.find((property) => property.key === key)?.value,
    /** Who was told of which child, in order. */
    announced: () =>
      publisher
        .values('company.parent-changes.v1')
        .map((value) =>
          value.type === 'child-changed' ? `${value.parent}: ${value.child} to ${value.to}` : value.type,
        ),
  }
  return world
}
