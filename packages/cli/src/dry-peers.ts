import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { FlowClient } from '@sync/shared/flow/client'
import { FlowCustomer } from '@sync/shared/flow/schema'
import type { Call } from '@sync/shared/http/call'
import type { Message, Publisher } from '@sync/shared/kafka/publisher'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import type { OmniumClient } from '@sync/shared/omnium/client'
import { OmniumCustomer, type OmniumKind, type OmniumProperty } from '@sync/shared/omnium/schema'

/** A write that was not sent, and what it would have been sent over; `before` null: it would create the record. */
export interface DryWrite {
  readonly target: 'flow' | 'omnium'
  readonly operation: 'create' | 'update'
  readonly tenant: string
  readonly customer: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>>
}

export interface DryMessage {
  readonly topic: ContractTopic
  readonly key: string
  readonly value: ValueOf<ContractTopic> | null
}

/** Both peers and the publisher, of which only the reads are real: what would be written is seen by later reads. */
export interface DryPeers {
  readonly flow: FlowClient
  readonly omnium: OmniumClient
  readonly publisher: Publisher
  /** What was not written for a record key since the last call, in order. */
  takeWrites(key: string): DryWrite[]
  takeMessages(): DryMessage[]
}

export function createDryPeers(real: { readonly flow: FlowClient; readonly omnium: OmniumClient }): DryPeers {
  const flowLayer = new Map<string, FlowCustomer>()
  const omniumLayer = new Map<string, OmniumCustomer>()
  const writes = new Map<string, DryWrite[]>()
  let messages: DryMessage[] = []
  const placeOf = ({ tenant }: Call, id: string, kind: OmniumKind | '' = '') => `${kind} ${tenant.uid} ${id}`
  const wrote = (
    target: DryWrite['target'],
    { tenant, key }: Call,
    customer: string,
    before: DryWrite['before'],
    after: DryWrite['after'],
  ) => {
    const operation = before === null ? 'create' : 'update'
    const write = { target, operation, tenant: tenant.uid, customer, before, after } as const
    writes.set(key, [...(writes.get(key) ?? []), write])
  }

  // A replay waits for the second "not found" answer; what it does after that is the same.
  const proveAbsent = async () => {}
  const flow: FlowClient = {
    ...real.flow,
    proveAbsent,
    getCustomer: async (call, id) => flowLayer.get(placeOf(call, id)) ?? real.flow.getCustomer(call, id),
    async createCustomer(call, body) {
      const id = String(body.customerUid)
      if ((await flow.getCustomer(call, id)) !== null) return { end: 'exists' }
      flowLayer.set(placeOf(call, id), FlowCustomer.parse(body))
      wrote('flow', call, id, null, body)
      return { end: 'created', id }
    },
    async updateCustomer(call, id, fields) {
      const before = await flow.getCustomer(call, id)
      if (before === null) return 'not-found'
      const after = { ...before, ...fields }
      flowLayer.set(placeOf(call, id), FlowCustomer.parse(after))
      wrote('flow', call, id, before, after)
      return 'updated'
    },
  }
  const updateInOmnium = async (call: Call, kind: OmniumKind, body: Record<string, unknown>) => {
    const id = String(body.customerId)
    const before = await omnium.getCustomer(call, kind, id)
    if (before === null) return 'not-found'
    omniumLayer.set(placeOf(call, id, kind), OmniumCustomer.parse(body))
    wrote('omnium', call, id, before, body)
    return 'updated'
  }
  const omnium: OmniumClient = {
    ...real.omnium,
    proveAbsent,
    getCustomer: async (call, kind, id) =>
      omniumLayer.get(placeOf(call, id, kind)) ?? real.omnium.getCustomer(call, kind, id),
    async createCustomer(call, kind, body) {
      const id = String(body.customerId)
      if ((await omnium.getCustomer(call, kind, id)) !== null) return { end: 'exists' }
      omniumLayer.set(placeOf(call, id, kind), OmniumCustomer.parse(body))
      wrote('omnium', call, id, null, body)
      return { end: 'created', id }
    },
    updatePrivateCustomer: (call, body) => updateInOmnium(call, 'B2C', body),
    updateBusinessCustomer: (call, body) => updateInOmnium(call, 'B2B', body),
    async deleteContactPerson(call, id, contactPersonId) {
      const before = await omnium.getCustomer(call, 'B2B', id)
      if (before === null) return 'not-found'
      const contacts = (before.contacts ?? []).filter((contact) => contact.id !== contactPersonId)
      const after = { ...before, contacts }
      omniumLayer.set(placeOf(call, id, 'B2B'), OmniumCustomer.parse(after))
      wrote('omnium', call, id, before, after)
      return 'deleted'
    },
    async patchCustomer(call, kind, fields) {
      const before = await omnium.getCustomer(call, kind, fields.customerId)
      if (before === null) return 'not-found'
      const after = patched(before, fields)
      omniumLayer.set(placeOf(call, fields.customerId, kind), after)
      wrote('omnium', call, fields.customerId, before, after)
      return 'updated'
    },
  }
  return {
    flow,
    omnium,
    publisher: {
      async publish<T extends ContractTopic>(topic: T, sent: readonly Message<T>[]) {
        for (const { key, value } of sent) messages.push({ topic, key, value })
      },
      async handOn() {},
    },
    takeWrites(key) {
      const taken = writes.get(key) ?? []
      writes.delete(key)
      return taken
    },
    takeMessages() {
      const taken = messages
      messages = []
      return taken
    },
  }
}

/** As Omnium patches: properties merge by key, everything else is replaced by what is sent. */
function patched(before: OmniumCustomer, fields: Readonly<Record<string, unknown>>): OmniumCustomer {
  const {
    properties,
    keepExistingCustomProperties: _properties,
    keepExistingListItems: _lists,
    ...rest
  } = fields as { properties?: readonly OmniumProperty[]; [option: string]: unknown }
  const keys = new Set(properties?.map(({ key }) => key))
  const kept = (before.properties ?? []).filter(({ key }) => !keys.has(key))
  return OmniumCustomer.parse({ ...before, ...rest, properties: [...kept, ...(properties ?? [])] })
}
