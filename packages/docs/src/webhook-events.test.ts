import { parseFlowWebhook } from '@sync/flow-ingest/webhook'
import { parseOmniumWebhook } from '@sync/omnium-ingest/webhook'
import { patience, runs } from '@sync/shared/testing/runs'
import { aWebhookApp } from '@sync/shared/testing/webhook-app'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openApiProblems } from './testing/schemas.ts'
import { FLOW_EVENT, OMNIUM_EVENT } from './webhook-events.ts'
import { webhooksApi } from './webhooks-api.ts'

const problemsOf = openApiProblems(webhooksApi())

const ids = fc.oneof(
  fc.constantFrom<unknown>(
    '1000',
    '',
    ' Ærlig/1:2 ',
    '😀',
    '\ud800',
    'a\n',
    0,
    -1,
    7,
    1.5,
    2 ** 53,
    2 ** 60,
    null,
    true,
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
  fc.constantFrom<unknown>([], ['1000'], {}, { Uid: '1000' }),
)
const withUid = fc.oneof(ids, fc.record({ Uid: ids, uid: ids, Id: ids }, { requiredKeys: [] }))
const words = fc.oneof(
  fc.constantFrom<unknown>('CUSTOMER_UPDATE', 'customer_', 'Customer', 'ORDER_X', 'order_settled', 'ORDERS', 'STORE_X'),
  fc.constantFrom<unknown>(
    'Order',
    'orders',
    'PRIVATECUSTOMER',
    'BusinessCustomer',
    'customer ',
    'Product',
    '__proto__',
  ),
  ids,
)
/** Names in both spellings, and some in neither. */
const flowEvents = fc.record(
  {
    ...{ action: words, Action: words, ACTION: words, tenantUser: withUid },
    ...{ customer: withUid, Customer: withUid, order: withUid, Order: withUid },
  },
  { requiredKeys: [] },
)
const omniumEvents = fc.record(
  {
    className: words,
    ClassName: words,
    classname: words,
    objectId: ids,
    ObjectId: ids,
    objectid: ids,
    category: words,
  },
  { requiredKeys: [] },
)

test.each([
  { source: 'flow', parse: parseFlowWebhook, event: FLOW_EVENT, events: flowEvents },
  { source: 'omnium', parse: parseOmniumWebhook, event: OMNIUM_EVENT, events: omniumEvents },
] as const)('$source: the server takes what the schema allows, and nothing else', patience, async (given) => {
  const { app, post } = aWebhookApp({ source: given.source, parse: given.parse })
  const seen = { 202: 0, 400: 0 }

  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 9, arbitrary: given.events }, fc.jsonValue()), async (value) => {
      const body = JSON.stringify(value)
      const isAllowed = problemsOf(`/components/schemas/${given.event.name}`, JSON.parse(body)).length === 0

      const { statusCode } = await post(body)

      expect(statusCode, body).toBe(isAllowed ? 202 : 400)
      seen[statusCode as 202 | 400]++
    }),
    runs(500),
  )
  await app.close()

  // Else it would say little.
  expect(Math.min(seen[202], seen[400])).toBeGreaterThan(50)
})
