import { afterEach, describe, expect, test } from 'vitest'
import { SyncError } from '../errors.ts'
import { createTenants } from '../tenants.ts'
import { aTenant } from '../testing/builders.ts'
import { createFakeTracer } from '../testing/fake-tracer.ts'
import { aWebhookApp, SECRET, type WebhookAppUnderTest } from '../testing/webhook-app.ts'
import { fieldOf, idOf, invalid, type ParseEvent } from './event-fields.ts'
import type { WebhookAnswer } from './problem.ts'
import type { WebhookAppOptions } from './server.ts'

const URL = '/webhooks/flow/acme'
const authorization = `Bearer ${SECRET}`

const parse: ParseEvent = (body, tenant, receivedAt) => {
  if (fieldOf(body, 'other') !== undefined) return { kind: 'ignored' }
  const id = idOf(fieldOf(body, 'id'))
  if (id === null) return invalid('id is missing')
  const rest = { via: 'webhook' as const, action: null, kind: null, users: [], version: null, repair: false }
  return { kind: 'notification', notification: { tenant, entity: 'customer', id, ...rest, receivedAt } }
}

const opened: WebhookAppUnderTest[] = []
afterEach(async () => {
  for (const { app } of opened.splice(0)) await app.close()
})

function givenApp(fields: Partial<WebhookAppOptions> = {}) {
  const given = aWebhookApp({ source: 'flow', parse, ...fields })
  opened.push(given)
  return given
}

test('an event is answered 202 after its notification was acknowledged, under the key of its object', async () => {
  const { post, publisher, answers } = givenApp()
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  const reply = await post('{"id": 1000}', { authorization, traceparent })

  expect([reply.statusCode, reply.body]).toEqual([202, ''])
  expect(answers).toEqual(['stored'])
  expect(publisher.published).toMatchObject([
    { topic: 'flow.notifications.v1', key: 'acme:1000', traceparent, value: { id: '1000', tenant: 'acme' } },
  ])
  expect(publisher.values('flow.notifications.v1')[0]?.receivedAt).toBe('2026-02-01T00:00:00.000Z')
})

test('an event is a span from its arrival to its acknowledgement, under the trace of its sender', async () => {
  const { tracer, spans } = createFakeTracer()
  const { post, publisher } = givenApp({ tracer })
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

  await post('{"id": 1000}', { authorization, traceparent })
  publisher.fail(new SyncError('kafka-unavailable', 'producing to kafka failed'))
  await post('{"id": 1001}', { authorization, traceparent: 'not one' })

  expect(spans).toMatchObject([
    {
      ...{
        name: 'POST /webhooks/flow/:tenantUid',
        kind: 'server',
        parent: traceparent,
        ended: true,
        failure: undefined,
      },
      attributes: { 'sync.tenant': 'acme', 'http.response.status_code': 202 },
    },
    { ended: true, failure: 'unavailable', attributes: { 'http.response.status_code': 503 } },
  ])
  expect(spans[1]?.parent).toBeUndefined()
  expect(spans[0]?.startedAt).toBeLessThanOrEqual(Date.parse('2026-02-01T00:00:00Z'))
  expect(publisher.published[0]?.traceparent).toBe(spans[0]?.traceparent)
  expect(JSON.stringify(spans)).not.toContain('1000')
})

test.each<[string, WebhookAnswer, number, Parameters<ReturnType<typeof givenApp>['post']>]>([
  ['an event of no interest', 'ignored', 202, ['{"other": 1}']],
  ['a wrong secret', 'unauthorized', 401, ['{"id": 1}', { authorization: 'Bearer wrong' }]],
  ['no secret', 'unauthorized', 401, ['{"id": 1}', {}]],
  ['an unknown tenant', 'unknown-tenant', 404, ['{"id": 1}', { authorization }, '/webhooks/flow/nobody']],
  ['a tenant named like a property', 'unknown-tenant', 404, ['{}', { authorization }, '/webhooks/flow/__proto__']],
  ['another route', 'unknown-route', 404, ['{"id": 1}', { authorization }, '/webhooks/omnium/acme']],
  [
    'another route, of a strange content type',
    'unknown-route',
    404,
    ['{"id": 1}', { authorization, 'content-type': ';;=,' }, '/metrics'],
  ],
  ['a broken URL', 'unknown-route', 404, ['{"id": 1}', { authorization }, '/webhooks/flow/%zz']],
  ['no JSON', 'not-an-event', 400, ['{"id": ']],
  ['no body', 'not-an-event', 400, ['']],
  ['no object', 'not-an-event', 400, ['[{"id": 1}]']],
  ['an object that is no event', 'not-an-event', 400, ['{"name": "Kari"}']],
  ['an id that JSON has rounded', 'not-an-event', 400, ['{"id": 9007199254740993}']],
  ['an id that has no UTF-8 form', 'not-an-event', 400, ['{"id": "\\ud800"}']],
  ['bytes that are not UTF-8', 'not-an-event', 400, [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])]],
  ['a body over 64 KiB', 'too-large', 413, [`{"id": "${'x'.repeat(65_536)}"}`]],
])('%s is answered %s, %i', async (_case, word, status, request) => {
  const { post, publisher, answers } = givenApp()

  const reply = await post(...request)

  expect(reply.statusCode).toBe(status)
  expect(answers).toEqual([word])
  expect(publisher.published).toEqual([])
  if (status === 202) return
  expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(reply.json()).toMatchObject({ status, detail: expect.stringMatching(/\w/) })
  expect(reply.body).not.toMatch(/Kari|wrong|nobody/)
})

test('64 KiB exactly is taken', async () => {
  const { post } = givenApp()
  const body = `{"id": 1}${' '.repeat(65_536 - 9)}`

  expect((await post(body)).statusCode).toBe(202)
})

test.each([
  ['application/x-www-form-urlencoded'],
  ['text/plain'],
  ['not a media type'],
  ['application/json; charset=iso-8859-1'],
])('a body is JSON, whatever its content type says: %s', async (type) => {
  const { post } = givenApp()

  expect((await post('{"id": 1}', { authorization, 'content-type': type })).statusCode).toBe(202)
})

describe('503 with Retry-After, never a 4xx, for what a retry cures', () => {
  test.each([
    ['Kafka is away', new SyncError('kafka-unavailable', 'writing to kafka: timed out')],
    ['the registry is away', new SyncError('registry-unavailable', 'reading a schema: 500')],
    ['the contract refuses it, until the next release', new SyncError('contract-violation', 'encoding: no')],
    ['a bug', new TypeError('x is not a function')],
  ])('%s', async (_case, error) => {
    const { post, publisher, answers, lines } = givenApp()
    publisher.fail(error)

    const refused = await post('{"id": 1}')
    const repeated = await post('{"id": 1}')

    expect([refused.statusCode, refused.headers['retry-after']]).toEqual([503, '5'])
    expect(refused.headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(repeated.statusCode).toBe(202)
    expect(answers).toEqual(['unavailable', 'stored'])
    expect(lines.join('')).toContain(error.message)
  })

  test('a stop has begun', async () => {
    const { post, answers } = givenApp({ isAccepting: () => false })

    const reply = await post('{"id": 1}')

    expect([reply.statusCode, reply.headers['retry-after']]).toEqual([503, '5'])
    expect(answers).toEqual(['stopping'])
  })

  test('too many requests are under way; one tenant leaves room for the others', async () => {
    const { app, post, publisher, answers } = givenApp({ maxInFlightRequests: 3 })
    const latch = Promise.withResolvers<void>()
    const waiting = { acme: Promise.withResolvers<void>(), other: Promise.withResolvers<void>() }
    let underWay = 0
    publisher.before(() => {
      underWay++
      if (underWay === 2) waiting.acme.resolve()
      if (underWay === 3) waiting.other.resolve()
      return latch.promise
    })
    const other = (id: number) => post(`{"id": ${id}}`, { authorization }, '/webhooks/flow/other')

    const first = [post('{"id": 1}'), post('{"id": 2}')]
    await waiting.acme.promise
    const tooMuchOfAcme = await post('{"id": 3}')
    first.push(other(4))
    await waiting.other.promise
    const tooMuch = await other(5)
    latch.resolve()
    const replies = await Promise.all(first)

    expect([tooMuchOfAcme, tooMuch].map(({ statusCode }) => statusCode)).toEqual([503, 503])
    expect(tooMuch.headers['retry-after']).toBe('5')
    expect(replies.map(({ statusCode }) => statusCode)).toEqual([202, 202, 202])
    expect(answers.filter((answer) => answer === 'overloaded')).toHaveLength(2)
    expect((await post('{"id": 3}')).statusCode).toBe(202)
    await app.close()
  })
})

test('the secret of a query is never logged, nor anything of a body', async () => {
  const { post, lines, publisher } = givenApp()
  publisher.fail(new SyncError('kafka-unavailable', 'writing to kafka: timed out'))

  await post('{"id": "k-4711"}', {}, `${URL}?key=${SECRET}`)
  await post('{"name": "k-4711"}', {}, `${URL}?key=${SECRET}`)
  await post('{"id": "k-4711"}', {}, `${URL}?key=${SECRET}x`)

  expect(lines).toHaveLength(3)
  expect(lines.join('')).not.toMatch(/a-webhook-secret|k-4711/)
})

test('rotated secrets and new tenants count without a restart', async () => {
  let tenants = createTenants([aTenant()])
  const { post } = givenApp({ tenants: () => tenants })
  tenants = createTenants([aTenant({ webhookSecrets: ['the next one'] }), aTenant({ uid: 'new' })])

  expect((await post('{"id": 1}')).statusCode).toBe(401)
  expect((await post('{"id": 1}', { authorization: 'Bearer the next one' })).statusCode).toBe(202)
  expect((await post('{"id": 1}', { authorization }, '/webhooks/flow/new')).statusCode).toBe(202)
})
