import { skipped } from '@sync/shared/outcome'
import {
  aDelivery,
  aFlowSnapshot,
  anOmniumCustomer,
  anOmniumSnapshot,
  anOrderSnapshot,
  aPerson,
  aTenant,
} from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { classify } from './classify.ts'

const flow = aFlowSnapshot(aPerson({ lastModifiedAt: '2026-01-01T10:00:00Z' }))
const customer = anOmniumSnapshot('B2C', anOmniumCustomer({ modified: '2026-01-01T12:00:00Z' }))

test.each([
  ['flow.customers.v1', { endsOlder: true }],
  ['omnium.customers.v1', { endsOlder: true }],
  ['omnium.orders.v1', {}],
] as const)('a tombstone on %s ends, and with it %o', (topic, others) => {
  expect(classify(aDelivery(topic, null))).toEqual({ end: skipped('deleted'), ...others })
  expect(classify(aDelivery(topic, null, { lane: 'redriven' }))).toEqual({ end: skipped('deleted'), ...others })
})

test.each([
  ['in its place', {}, ['omnium']],
  ['of the retry lane', { lane: 'verify' }, ['omnium', 'flow']],
  ['of a repair', { repair: true }, ['omnium', 'flow']],
] as const)('a Flow snapshot %s needs its targets', (_what, fields, targets) => {
  expect(classify(aDelivery('flow.customers.v1', flow, fields))).toEqual({
    group: 'flow-customer',
    version: '2026-01-01T10:00:00Z',
    targets,
    repair: false,
  })
})

test('a Flow record that another service has us read again is superseded by none', () => {
  expect(classify(aDelivery('flow.customers.v1', flow, { lane: 're-read' }))).toMatchObject({ group: null })
})

test("a repair's mark and a missing version are told", () => {
  expect(classify(aDelivery('flow.customers.v1', { ...flow, repair: true, version: null }))).toMatchObject({
    version: '',
    targets: ['omnium', 'flow'],
    repair: true,
  })
})

test('an order counts by its customer', () => {
  expect(classify(aDelivery('omnium.orders.v1', anOrderSnapshot()))).toEqual({
    group: 'omnium-order',
    version: '2026-01-01T11:00:00Z',
    targets: ['flow', 'omnium'],
    repair: false,
  })
})

test.each([undefined, null, ''])('an order whose customer is %j ends', (customerId) => {
  expect(classify(aDelivery('omnium.orders.v1', anOrderSnapshot({ customerId })))).toEqual({
    end: skipped('no-customer'),
  })
})

test.each([
  ['create', null, ['flow']],
  ['update', null, ['flow']],
  ['update', 'replayed', ['flow', 'omnium']],
] as const)('an Omnium customer with the setting %s, by the lane %s', (omniumCustomerEvents, lane, targets) => {
  const tenant = aTenant({ omniumCustomerEvents })

  expect(classify(aDelivery('omnium.customers.v1', customer, { tenant, lane }))).toEqual({
    group: 'omnium-customer-B2C',
    version: '2026-01-01T12:00:00Z',
    targets,
    repair: false,
  })
})

test('an Omnium customer with the setting off ends', () => {
  const tenant = aTenant({ omniumCustomerEvents: 'off' })

  expect(classify(aDelivery('omnium.customers.v1', customer, { tenant }))).toEqual({ end: skipped('off') })
})
