import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { Validator } from '@seriousme/openapi-schema-validator'
import { parseFlowWebhook } from '@sync/flow-ingest/webhook'
import { parseOmniumWebhook } from '@sync/omnium-ingest/webhook'
import { SyncError } from '@sync/shared/errors'
import { STATUS_OF } from '@sync/shared/http/problem'
import type { WebhookAppOptions } from '@sync/shared/http/server'
import { aWebhookApp, SECRET, type WebhookAppUnderTest } from '@sync/shared/testing/webhook-app'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it, test } from 'vitest'
import { openApiProblems, partOf } from './testing/schemas.ts'
import { answersOf } from './webhook-answers.ts'
import { FLOW_EVENT, OMNIUM_EVENT } from './webhook-events.ts'
import { webhooksApi } from './webhooks-api.ts'
import { asYaml, type Json } from './yaml.ts'

const document = webhooksApi()
const problemsOf = openApiProblems(document)
const SOURCES = [
  { source: 'flow', parse: parseFlowWebhook, event: FLOW_EVENT },
  { source: 'omnium', parse: parseOmniumWebhook, event: OMNIUM_EVENT },
] as const
type Source = (typeof SOURCES)[number]['source']

/** Header lines of requests that none of our code gets to see. */
const NOT_HTTP: readonly [status: number, lines: string][] = [
  [400, 'No host'],
  [417, 'Host: x\r\nExpect: the best'],
  [431, `Host: x\r\nX-Padding: ${'x'.repeat(16 * 1024)}`],
]

const authorization = `Bearer ${SECRET}`
const NOW = Date.parse('2026-02-01T00:00:00Z')

const opened: WebhookAppUnderTest[] = []
afterEach(async () => {
  for (const { app } of opened.splice(0)) await app.close()
})

function givenApp(source: Source, fields: Partial<WebhookAppOptions> = {}) {
  const { parse } = SOURCES.find((it) => it.source === source)!
  const given = aWebhookApp({ source, parse, ...fields })
  opened.push(given)
  return given
}

const operationOf = (source: Source) => partOf(document, 'paths', `/webhooks/${source}/{tenantUid}`, 'post')
const responseOf = (source: Source, status: number) =>
  partOf(document, ...['paths', `/webhooks/${source}/{tenantUid}`, 'post', 'responses', String(status)])
const bodiesOf = (source: Source) =>
  partOf<Record<string, { value: Json }>>(operationOf(source), 'requestBody', 'content', 'application/json', 'examples')

describe('the JSON Schema of OpenAPI 3.1', () => {
  it('has nothing to say against the document', async () => {
    const validator = new Validator()

    expect(await validator.validate(asYaml(document))).toEqual({ valid: true })
    expect(validator.version).toBe('3.1')
  })

  it.each<[string, (text: string) => string]>([
    ['a misspelt field', (text) => text.replace('requestBody:', 'requestbody:')],
    [
      'a response without a description',
      (text) => text.replace('description: A body of more than', 'summary: A body of more than'),
    ],
    ['a parameter that is nowhere', (text) => text.replace('in: path', 'in: body')],
    ['a scheme of an unknown kind', (text) => text.replace('type: apiKey', 'type: secret')],
  ])('finds %s', async (_case, spoil) => {
    const whole = asYaml(document)
    const spoilt = spoil(whole)

    expect(spoilt).not.toBe(whole)
    expect(await new Validator().validate(spoilt)).toMatchObject({ valid: false })
  })

  it('is not all: its schemas are JSON Schema too, and what they refer to is there', () => {
    for (const name of Object.keys(partOf<Json>(document, 'components', 'schemas'))) {
      expect(() => problemsOf(`/components/schemas/${name}`, null), name).not.toThrow()
    }
  })
})

describe.each(SOURCES)('the webhook of $source', ({ source, event }) => {
  it.each(Object.entries(event.examples))('takes the example %s', async (_name, { value, answer }) => {
    const { post, answers, publisher } = givenApp(source)

    const reply = await post(JSON.stringify(value))

    expect([reply.statusCode, reply.body, answers]).toEqual([202, '', [answer]])
    expect(publisher.published).toHaveLength(answer === 'stored' ? 1 : 0)
    expect(problemsOf(`/components/schemas/${event.name}`, value)).toEqual([])
  })

  it.each(Object.entries(answersOf(source)))('answers %s as the document says', async (name, { answer, detail }) => {
    const { app, answers, reply } = await provoked(source, name)
    const response = responseOf(source, reply.statusCode)
    const content = partOf<Json | undefined>(response, 'content', 'application/problem+json')

    expect([answers, reply.statusCode]).toEqual([[answer], STATUS_OF[answer]])
    if (detail === null) {
      expect([reply.body, content]).toEqual(['', undefined])
    } else {
      expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(problemsOf('/components/schemas/Problem', reply.json())).toEqual([])
      expect(reply.json()).toEqual(partOf(content!, 'examples', name, 'value'))
    }
    const promised = partOf<Record<string, { schema: { const: unknown } }> | undefined>(response, 'headers') ?? {}
    for (const header of ['Retry-After', 'WWW-Authenticate']) {
      expect(reply.headers[header.toLowerCase()], header).toBe(
        promised[header] && String(promised[header].schema.const),
      )
    }
    await app.close()
  })

  it.each(NOT_HTTP)('answers what Node itself refuses as the document says: %i', async (status, lines) => {
    const { app } = givenApp(source)
    await app.listen({ host: '127.0.0.1', port: 0 })
    const socket = connect((app.server.address() as { port: number }).port, '127.0.0.1')

    socket.write(`POST /webhooks/${source}/acme HTTP/1.1\r\nConnection: close\r\n${lines}\r\n\r\n`)
    const [head = '', body] = (await text(socket)).split('\r\n\r\n')

    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    // Nothing, also when it is sent in chunks.
    expect(['', '0']).toContain(body)
    expect(responseOf(source, status).description).toMatch(/without a body|no body/i)
  })

  it('has no documented status that nothing here provokes', () => {
    const statuses = [
      ...Object.values(answersOf(source)).map(({ answer }) => STATUS_OF[answer]),
      ...NOT_HTTP.map(([it]) => it),
    ]

    expect(Object.keys(partOf<Json>(operationOf(source), 'responses')).toSorted()).toEqual(
      [...new Set(statuses.map(String))].toSorted(),
    )
  })

  it.each(partOf<Json[]>(document, 'security').map((it) => Object.keys(it)))('lets in by %s', async (...schemes) => {
    const { post } = givenApp(source)
    const body = JSON.stringify(Object.values(bodiesOf(source))[0]!.value)
    const signature = new Webhook(SECRET, { format: 'raw' }).sign('msg_1', new Date(NOW), body)
    const shown: Record<string, string> = {
      ...{ bearer: authorization, basic: `Basic ${Buffer.from(`anyone:${SECRET}`).toString('base64')}`, key: SECRET },
      ...{ webhookId: 'msg_1', webhookTimestamp: String(NOW / 1000), webhookSignature: signature },
    }
    const headers: Record<string, string> = {}
    let url = `/webhooks/${source}/acme`
    for (const scheme of schemes) {
      const {
        type,
        in: place,
        name = '',
      } = partOf<Record<string, string>>(document, ...['components', 'securitySchemes', scheme])
      if (type === 'http') headers.authorization = shown[scheme]!
      else if (place === 'header') headers[name] = shown[scheme]!
      else url += `?${name}=${shown[scheme]}`
    }

    expect((await post(body, headers, url)).statusCode).toBe(202)
    for (const left of Object.keys(headers)) {
      const { [left]: _left, ...rest } = headers
      expect((await post(body, rest, `/webhooks/${source}/acme`)).statusCode, left).toBe(401)
    }
  })
})

test('every way to answer is among the answers of the document', () => {
  const told = SOURCES.flatMap(({ source }) => Object.values(answersOf(source)).map(({ answer }) => answer))

  expect(new Set(told)).toEqual(new Set(Object.keys(STATUS_OF)))
})

/** A request that is answered as the name says. */
async function provoked(source: Source, name: string) {
  const fields: Partial<WebhookAppOptions> =
    name === 'stopping' ? { isAccepting: () => false } : name === 'overloaded' ? { maxInFlightRequests: 0 } : {}
  const given = givenApp(source, fields)
  if (name === 'unavailable') given.publisher.fail(new SyncError('kafka-unavailable', 'writing to kafka: timed out'))
  const good = JSON.stringify(Object.values(bodiesOf(source))[0]!.value)
  const { payload = good, headers = { authorization }, url } = REQUESTS[source][name] ?? {}
  return { ...given, reply: await given.post(payload, headers, url) }
}

interface Request {
  readonly payload?: string
  readonly headers?: Record<string, string>
  readonly url?: string
}

const COMMON: Record<string, Request> = {
  noJson: { payload: '{"action": ' },
  noObject: { payload: '[]' },
  unauthorized: { headers: { authorization: 'Bearer wrong' } },
  tooLarge: { payload: ' '.repeat(65_537) },
  notWhole: { payload: '{}', headers: { authorization, 'content-length': '100' } },
}
const REQUESTS: Record<Source, Record<string, Request>> = {
  flow: {
    ...COMMON,
    ignored: { payload: '{"action": "PRODUCT_UPDATE"}' },
    noAction: { payload: '{"customer": {"Uid": "1000"}}' },
    noCustomer: { payload: '{"action": "CUSTOMER_UPDATE"}' },
    noOrder: { payload: '{"action": "ORDER_SETTLED"}' },
    unknownTenant: { url: '/webhooks/flow/nobody' },
    unknownRoute: { url: '/webhooks/omnium/acme' },
  },
  omnium: {
    ...COMMON,
    ignored: { payload: '{"className": "Product"}' },
    noClass: { payload: '{"objectId": "1000"}' },
    noObjectId: { payload: '{"className": "Order"}' },
    unknownTenant: { url: '/webhooks/omnium/nobody' },
    unknownRoute: { url: '/webhooks/flow/acme' },
  },
}
