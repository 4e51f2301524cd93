import { aWebhookApp } from '@sync/shared/testing/webhook-app'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseOmniumTopicEvent, parseOmniumWebhook } from './webhook.ts'

const RECEIVED_AT = '2026-02-01T00:00:00.000Z'

const anEvent = (fields: Record<string, unknown> = {}) => ({
  ...{ timestamp: '2026-01-31T23:59:59Z', message: 'Order updated', className: 'Order', subClassName: '' },
  ...{ objectId: 'order-1', category: 'Updated', market: 'NOR', storeId: '12', user: 'admin', userId: 'u-1' },
  ...{ status: 'New' },
  ...fields,
})
const parse = (fields: Record<string, unknown>) => parseOmniumWebhook(anEvent(fields), 'acme', RECEIVED_AT)

describe('parsing', () => {
  test('the documented event', () => {
    expect(parse({})).toEqual({
      kind: 'notification',
      notification: {
        ...{ tenant: 'acme', entity: 'order', id: 'order-1', via: 'webhook', action: 'Updated', kind: null },
        ...{ users: ['admin', 'u-1'], version: null, repair: false, receivedAt: RECEIVED_AT },
      },
    })
  })

  test('the same event from a topic says so', () => {
    const parsed = parseOmniumTopicEvent(anEvent(), 'acme', RECEIVED_AT)

    expect(parsed).toMatchObject({ notification: { id: 'order-1', via: 'events-topic' } })
  })

  test.each<[string, Record<string, unknown>, object]>([
    ['a private customer', { className: 'PrivateCustomer' }, { entity: 'customer', kind: 'B2C' }],
    ['a business customer', { className: 'BusinessCustomer' }, { entity: 'customer', kind: 'B2B' }],
    ['a customer of either kind', { className: 'Customer' }, { entity: 'customer', kind: null }],
    ['a class in another case', { className: 'ORDER' }, { entity: 'order' }],
    ['an id that is a number', { objectId: 4711 }, { id: '4711' }],
    ['an id that is a phone number', { objectId: '+47 900 00 000' }, { id: '+47 900 00 000' }],
    ['no category', { category: undefined }, { action: null }],
    ['one user', { user: 'u-1', userId: 'u-1' }, { users: ['u-1'] }],
    ['no user', { user: null, userId: '' }, { users: [] }],
  ])('%s', (_case, fields, expected) => {
    expect(parse(fields)).toMatchObject({ kind: 'notification', notification: expected })
  })

  test.each(['Product', 'Inventory', 'constructor', '__proto__'])('%s is ignored', (className) => {
    expect(parse({ className })).toEqual({ kind: 'ignored' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['no class', { className: undefined }],
    ['a class that is no text', { className: ['Order'] }],
    ['no id', { objectId: undefined }],
    ['an empty id', { objectId: '' }],
    ['an id that is an object', { objectId: { id: 1 } }],
  ])('%s is no event', (_case, fields) => {
    expect(parse(fields)).toMatchObject({ kind: 'invalid' })
  })
})

test('whatever is sent is answered 202 or 400, and what is stored keeps to its contract', async () => {
  const { app, post, publisher } = aWebhookApp({ source: 'omnium', parse: parseOmniumWebhook })
  const loose = fc.oneof(fc.constantFrom<unknown>('Order', 'Customer', '', 0, -1, 2 ** 60, null), fc.jsonValue())
  const mutated = fc.record(
    { className: loose, objectId: loose, category: loose, user: loose, userId: loose, ClassName: loose },
    { requiredKeys: [] },
  )
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.json(),
    mutated.map((value) => JSON.stringify(value)),
    fc.tuple(mutated, fc.nat(300)).map(([value, length]) => JSON.stringify(value).slice(0, length)),
  )

  await fc.assert(
    fc.asyncProperty(bodies, async (payload) => {
      expect([202, 400]).toContain((await post(payload)).statusCode)
    }),
    { numRuns: 500, examples: [[JSON.stringify(anEvent())]] },
  )
  await app.close()

  expect(publisher.published).not.toEqual([])
})
