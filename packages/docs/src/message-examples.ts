import type { ValueOf } from '@sync/shared/contracts/contracts'
import type { ContractTopic } from '@sync/shared/kafka/topics'
import type { Json } from './yaml.ts'

/** Made-up data. `payload` is the value without the five bytes of the wire format. */
export interface Example<Payload = unknown> {
  readonly name: string
  readonly summary: string
  readonly headers: Json
  readonly payload: Payload
}

const headers = (source: string, n: number) => ({
  'event-id': `5c0d2a34-1f0e-4b7a-9d55-00000000000${n}`,
  source,
  'occurred-at': `2026-03-01T09:00:0${n}.000Z`,
  traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333${n}-00`,
})

const customer = {
  customerUid: '1000',
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: 'Nordmann',
  email: 'kari@example.com',
  mobile: '+4790000000',
  address: 'Storgata 1',
  postalCode: '0155',
  city: 'Oslo',
  externalId: null,
  lastModifiedAt: '2026-03-01T09:00:00Z',
}
const read = {
  tenant: 'acme-no',
  fetchedAt: '2026-03-01T09:00:02.000Z',
  notifiedAt: '2026-03-01T09:00:01.000Z',
  repair: false,
}

const flowSnapshot = { ...read, id: '1000', version: '2026-03-01T09:00:00Z', customer }

/** At least one for each contract. */
export const EXAMPLES: { readonly [T in ContractTopic]: readonly Example<ValueOf<T>>[] } = {
  'flow.notifications.v1': [
    {
      name: 'webhook',
      summary: 'A customer was changed at the till. Key acme-no:1000',
      headers: headers('flow-ingest', 1),
      payload: {
        ...{ tenant: 'acme-no', entity: 'customer', id: '1000', via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null },
        ...{ users: ['till-3', '14'], version: null, repair: false, receivedAt: '2026-03-01T09:00:01.000Z' },
      },
    },
    {
      name: 'sweep',
      summary: 'The webhook of a change was lost, and a sweep found it. Key acme-no:1000',
      headers: headers('flow-ingest', 1),
      payload: {
        ...{ tenant: 'acme-no', entity: 'customer', id: '1000', via: 'sweep', action: null, kind: null, users: [] },
        ...{ version: '2026-03-01T09:00:00Z', repair: false, receivedAt: '2026-03-01T09:05:00.000Z' },
      },
    },
  ],
  'flow.customers.v1': [
    {
      name: 'person',
      summary: 'A private customer. Key acme-no:1000',
      headers: headers('flow-ingest', 2),
      payload: flowSnapshot,
    },
  ],
  'flow.orders.v1': [
    {
      name: 'order',
      summary: 'An order of customer 1000. Key acme-no:1000',
      headers: headers('flow-ingest', 2),
      payload: {
        ...{ ...read, id: 'o-77', version: '2026-03-01T08:59:58Z' },
        order: { orderUid: 'o-77', customerUid: '1000', deliveryState: 'DELIVERED', createdAt: '2026-03-01T08:59:58Z' },
      },
    },
  ],
  'omnium.notifications.v1': [
    {
      name: 'webhook',
      summary: 'An order was placed in the web shop. Key acme-no:order-1',
      headers: headers('omnium-ingest', 1),
      payload: {
        ...{ tenant: 'acme-no', entity: 'order', id: 'order-1', via: 'webhook', action: 'Created', kind: null },
        ...{ users: ['web'], version: null, repair: false, receivedAt: '2026-03-01T09:00:01.000Z' },
      },
    },
  ],
  'omnium.orders.v1': [
    {
      name: 'order',
      summary: 'An order of a private customer. Key acme-no:2000',
      headers: headers('omnium-ingest', 2),
      payload: {
        ...{ ...read, id: 'order-1', version: '2026-03-01T09:00:00Z' },
        order: { id: 'order-1', customerId: '2000', customerType: 'B2C', modified: '2026-03-01T09:00:00Z' },
      },
    },
  ],
  'omnium.customers.v1': [
    {
      name: 'business',
      summary: 'A business customer. Key acme-no:3000',
      headers: headers('omnium-ingest', 2),
      payload: {
        ...{ ...read, id: '3000', version: '2026-03-01T09:00:00Z', kind: 'B2B' },
        customer: { customerId: '3000', name: 'Eksempel AS', taxId: '000000000', modified: '2026-03-01T09:00:00Z' },
      },
    },
  ],
  'company.parent-changes.v1': [
    {
      name: 'parent-observed',
      summary: 'In Flow, company 3000 belongs to company 4000. Key acme-no:3000',
      headers: headers('customer-mapper', 3),
      payload: {
        ...{ type: 'parent-observed', tenant: 'acme-no', company: '3000', parent: '4000', repair: false },
        ...{ version: '2026-03-01T09:00:00Z', notifiedAt: '2026-03-01T09:00:01.000Z' },
      },
    },
    {
      name: 'child-changed',
      summary: 'Company 4000 is told to look at its child 3000. Key acme-no:4000',
      headers: headers('relation-manager', 4),
      payload: {
        ...{ type: 'child-changed', tenant: 'acme-no', parent: '4000', child: '3000', to: '4000' },
        ...{ version: '2026-03-01T09:00:00Z', notifiedAt: '2026-03-01T09:00:01.000Z' },
      },
    },
  ],
  'sync.outcomes.v1': [
    {
      name: 'done',
      summary: 'A customer was created in Omnium. Key acme-no:1000',
      headers: headers('customer-mapper', 3),
      payload: {
        ...{ tenant: 'acme-no', id: '1000', service: 'customer-mapper' },
        ...{ topic: 'flow.customers.v1', partition: 7, offset: '4711', lane: null },
        ...{ outcome: 'done', reason: null, operation: 'created', target: 'omnium' },
        ...{ changed: ['firstName', 'lastName', 'email'], version: '2026-03-01T09:00:00Z' },
        ...{ attempts: 0, durationMs: 84, endedAt: '2026-03-01T09:00:03.000Z', instance: 'host-a-customer-mapper' },
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203332-00',
      },
    },
  ],
  'sync.cursors.v1': [
    {
      name: 'flow-customers',
      summary: 'Flow has been listed up to the mark. Key acme-no:flow:customers',
      headers: headers('flow-ingest', 5),
      payload: {
        ...{ tenant: 'acme-no', source: 'flow', entity: 'customers' },
        ...{ mark: '2026-03-01T09:00:00Z', sweptAt: '2026-03-01T09:05:00.000Z' },
      },
    },
  ],
}

const origin = (kind: 'lane' | 'dl', topic: ContractTopic) => ({
  [`${kind}-topic`]: topic,
  [`${kind}-partition`]: '7',
  [`${kind}-offset`]: '4711',
})

/** A record of the topic in a retry lane, its target being down. */
export const inLane = (topic: ContractTopic): Example => {
  const { headers: own, payload } = EXAMPLES[topic][0]!
  return {
    name: 'deferred',
    summary: `A record of ${topic} that waits for a peer that is down.`,
    headers: {
      ...own,
      'lane-why': 'deferred',
      ...origin('lane', topic),
      'lane-reason': 'circuit-open',
      'lane-not-before': '1772355783000',
      'lane-attempts': '0',
      'lane-brownout-ms': '0',
      'lane-first-seen-at': '1772355603000',
      'lane-passes': '1',
      'lane-redrives': '0',
    },
    payload,
  }
}

const parked = (topic: ContractTopic) => ({
  ...origin('dl', topic),
  'dl-reason': 'refused',
  'dl-message': 'reading from the peer: 400',
  'dl-attempts': '1',
  'dl-first-failure-at': '2026-03-01T09:00:03.000Z',
  'dl-last-failure-at': '2026-03-01T09:00:03.000Z',
  'dl-redrives': '0',
})

/** A record of the topic that a healthy peer refused. */
export const setAside = (topic: ContractTopic): Example => {
  const { headers: own, payload } = EXAMPLES[topic][0]!
  return {
    name: 'refused',
    summary: `A record of ${topic} that the peer refused.`,
    headers: { ...own, ...parked(topic) },
    payload,
  }
}

export const discarded = (topic: ContractTopic): Example => ({
  name: 'discarded',
  summary: 'An operator has dealt with it.',
  headers: { ...parked(topic), 'dl-status': 'discarded', 'dl-status-at': '2026-03-01T12:00:00.000Z' },
  payload: null,
})

export const erased: Example = {
  name: 'erased',
  summary: 'The customer is gone from its source, or was erased here.',
  headers: headers('syncctl', 6),
  payload: null,
}
