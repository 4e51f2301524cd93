import { createTenants } from '@sync/shared/tenants'
import { aTenant } from '@sync/shared/testing/builders'
import { aWebhookApp, SECRET } from '@sync/shared/testing/webhook-app'
import fc from 'fast-check'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { parseFlowWebhook } from './webhook.ts'

const NOW = Date.parse('2026-02-01T00:00:00Z')
const RECEIVED_AT = '2026-02-01T00:00:00.000Z'
const WHSEC = `whsec_${Buffer.from('a secret for signatures').toString('base64')}`

const aWebhook = (fields: Record<string, unknown> = {}) => ({
  action: 'CUSTOMER_UPDATE',
  tenant: { Id: 7, Uid: '7' },
  customer: { Id: 32, Uid: '1000' },
  tenantUser: { Id: 14, Uid: 'till-3' },
  ...fields,
})
const parse = (fields: Record<string, unknown>) => parseFlowWebhook(aWebhook(fields), 'acme', RECEIVED_AT)

describe('parsing', () => {
  test('the documented webhook', () => {
    expect(parse({})).toEqual({
      kind: 'notification',
      notification: {
        ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null },
        ...{ users: ['till-3', '14'], version: null, repair: false, receivedAt: RECEIVED_AT },
      },
    })
  })

  test.each<[string, Record<string, unknown>, object]>([
    ['a customer that is created', { action: 'CUSTOMER_CREATE' }, { entity: 'customer', id: '1000' }],
    ['a customer that is deleted', { action: 'CUSTOMER_DELETE' }, { action: 'CUSTOMER_DELETE', id: '1000' }],
    ['an order', { action: 'ORDER_SETTLED', order: { Id: 9, Uid: 'o-9' } }, { entity: 'order', id: 'o-9' }],
    ['a uid in lower case', { customer: { uid: '1000' } }, { id: '1000' }],
    ['a uid that is a number', { customer: { Uid: 1000 } }, { id: '1000' }],
    ['a uid of any characters, unchanged', { customer: { Uid: ' Ærlig/1:2 ' } }, { id: ' Ærlig/1:2 ' }],
    ['nobody', { tenantUser: null }, { users: [] }],
    ['a user without a uid', { tenantUser: { Id: 14 } }, { users: ['14'] }],
    ['names in upper case', { action: undefined, Action: 'CUSTOMER_UPDATE' }, { id: '1000' }],
  ])('%s', (_case, fields, expected) => {
    const { action, ...rest } = aWebhook(fields)
    const parsed = parseFlowWebhook(action === undefined ? rest : { action, ...rest }, 'acme', RECEIVED_AT)

    expect(parsed).toMatchObject({ kind: 'notification', notification: expected })
  })

  test.each(['STORE_UPDATE', 'PRODUCT_CREATE', 'customer', 'PRECUSTOMER_UPDATE'])('%s is ignored', (action) => {
    expect(parse({ action })).toEqual({ kind: 'ignored' })
  })

  test.each<[string, Record<string, unknown>]>([
    ['no action', { action: undefined }],
    ['an action that is no text', { action: 1 }],
    ['no customer', { customer: undefined }],
    ['a customer without a uid', { customer: { Id: 32 } }],
    ['an empty uid', { customer: { Uid: '' } }],
    ['a uid that is an object', { customer: { Uid: {} } }],
    ['a uid that JSON has rounded', { customer: { Uid: 2 ** 53 } }],
    ['an order action without an order', { action: 'ORDER_SETTLED' }],
    ['an inherited uid', { customer: Object.create({ Uid: '1000' }) }],
  ])('%s is no event', (_case, fields) => {
    expect(parse(fields)).toMatchObject({ kind: 'invalid' })
  })
})

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const app of opened.splice(0)) await app.close()
})

function givenApp() {
  const tenants = createTenants([aTenant({ webhookSecrets: [SECRET, WHSEC] })])
  const given = aWebhookApp({ source: 'flow', parse: parseFlowWebhook, tenants: () => tenants })
  opened.push(given.app)
  return given
}

describe('signed by the Standard Webhooks library', () => {
  const body = `${JSON.stringify(aWebhook(), null, 2)}\n`
  const signedBy = (webhook: Webhook, at = NOW) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(at / 1000),
    'webhook-signature': webhook.sign('msg_1', new Date(at), body),
  })

  test.each<[string, Webhook, number]>([
    ['a base64 secret', new Webhook(WHSEC), 202],
    ['any other secret, as its bytes', new Webhook(SECRET, { format: 'raw' }), 202],
    ['another secret', new Webhook('second', { format: 'raw' }), 401],
  ])('with %s: answers %s %i', async (_case, webhook, status) => {
    const { post, publisher } = givenApp()

    expect((await post(body, signedBy(webhook))).statusCode).toBe(status)
    expect(publisher.published).toHaveLength(status === 202 ? 1 : 0)
  })

  test('an hour ago is refused', async () => {
    const { post } = givenApp()

    expect((await post(body, signedBy(new Webhook(WHSEC), NOW - 3_600_000))).statusCode).toBe(401)
  })
})

describe('hostile bodies', () => {
  const loose = fc.oneof(
    fc.constantFrom<unknown>('CUSTOMER_UPDATE', 'ORDER_X', '', 0, -1, 2 ** 60, null),
    fc.jsonValue(),
  )
  const mutated = fc.record(
    {
      ...{
        action: loose,
        Action: loose,
        tenant: loose,
        tenantUser: fc.oneof(loose, fc.record({ Uid: loose, Id: loose })),
      },
      ...{ customer: fc.oneof(loose, fc.record({ Uid: loose })), order: fc.oneof(loose, fc.record({ uid: loose })) },
    },
    { requiredKeys: [] },
  )
  const bodies = fc.oneof(
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.json(),
    mutated.map((value) => JSON.stringify(value)),
    fc.tuple(mutated, fc.nat(400)).map(([value, length]) => JSON.stringify(value).slice(0, length)),
  )

  test('are answered 202 or 400, and what is stored keeps to its contract', async () => {
    const { post } = givenApp()

    await fc.assert(
      fc.asyncProperty(bodies, async (body) => {
        expect([202, 400]).toContain((await post(body)).statusCode)
      }),
      { numRuns: 500, examples: [[JSON.stringify(aWebhook())]] },
    )
  })

  test.each<[string, string, number]>([
    ['deep arrays', '['.repeat(32_000) + ']'.repeat(32_000), 400],
    ['deep objects', `${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}`, 400],
    ['a deep id', `{"action":"CUSTOMER_UPDATE","customer":{"Uid":${'['.repeat(20_000)}${']'.repeat(20_000)}}}`, 400],
    ['a prototype', '{"__proto__":{"action":"CUSTOMER_UPDATE","customer":{"Uid":"1"}}}', 400],
    ['a prototype beside an event', '{"action":"CUSTOMER_UPDATE","customer":{"Uid":"1","__proto__":{"x":1}}}', 202],
    ['a constructor', '{"constructor":{"prototype":{"x":1}},"action":"CUSTOMER_UPDATE","customer":{"Uid":"1"}}', 202],
    ['a byte order mark', `\ufeff${JSON.stringify(aWebhook())}`, 202],
  ])('%s', async (_case, body, status) => {
    const { post } = givenApp()

    expect((await post(body)).statusCode).toBe(status)
    expect(({} as Record<string, unknown>).x).toBe(undefined)
  })
})
