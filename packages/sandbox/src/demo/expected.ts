import type { Fields } from '../fields.ts'
import { timeBetween } from './compare.ts'
import { expectedInFlow, type FlowStamps } from './expected-flow.ts'
import { expectedBusiness, expectedPrivate } from './expected-omnium.ts'

/**
 * What both stand-ins and the topics hold at the end of the day, written by hand from the field tables of both peers'
 * documentation, so that it shares neither code nor opinion with the services. Times that a stand-in stamps are taken
 * from what it stamped.
 */
export interface Expected {
  readonly flowCustomers: Readonly<Record<string, Fields>>
  readonly privateCustomers: Readonly<Record<string, Fields>>
  readonly businessCustomers: Readonly<Record<string, Fields>>
  /** By key, the order as it is on the raw topic. */
  readonly flowOrders: Readonly<Record<string, Fields>>
  readonly omniumOrders: Readonly<Record<string, Fields>>
  /** `dl-reason` by topic and key. */
  readonly deadLetters: Readonly<Record<string, string>>
}

export function expectedState(stamps: FlowStamps, day: { readonly from: number; readonly to: number }): Expected {
  const inTheDay = timeBetween(day.from, day.to)
  return {
    flowCustomers: expectedInFlow(stamps),
    privateCustomers: expectedPrivate(stamps),
    businessCustomers: expectedBusiness(stamps, inTheDay),
    flowOrders: {
      'nordlys-no:1001': {
        orderUid: 'F-3001',
        customerUid: '1001',
        storeUid: 'store-7',
        deliveryState: 'DELIVERED',
        externalOrderNumber: null,
        items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
        createdAt: inTheDay,
        lastModifiedAt: inTheDay,
      },
      'nordlys-no:F-3002': {
        orderUid: 'F-3002',
        storeUid: 'store-7',
        deliveryState: 'DELIVERED',
        externalOrderNumber: null,
        items: [{ productUid: 'MUG', quantity: 1, price: 99.5 }],
        createdAt: inTheDay,
        lastModifiedAt: inTheDay,
      },
    },
    omniumOrders: Object.fromEntries(
      [
        ['W-4001', 'ola@example.com', 'B2C'],
        ['W-4002', '+4700000302', 'B2B'],
        ['W-4003', '1001', 'B2C'],
      ].map(([id, customerId, customerType]) => [
        `nordlys-no:${customerId}`,
        {
          id,
          customerId,
          customerType,
          orderType: 'Online',
          status: 'New',
          marketId: 'NOR',
          storeId: 'web',
          orderForm: { lineItems: [{ code: 'MUG', quantity: 2, placedPrice: 99.5 }] },
          created: inTheDay,
          modified: inTheDay,
        },
      ]),
    ),

    deadLetters: { 'customer-mapper.dead-letters.v1 nordlys-no:1012': 'refused' },
  }
}
