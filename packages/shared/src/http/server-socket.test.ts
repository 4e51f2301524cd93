import { once } from 'node:events'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { FastifyInstance } from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { aWebhookApp, SECRET, type WebhookAppUnderTest } from '../testing/webhook-app.ts'
import type { ParseEvent } from './event-fields.ts'

const parse: ParseEvent = (_body, tenant, receivedAt) => ({
  kind: 'notification',
  notification: {
    ...{ tenant, entity: 'customer', id: '1', via: 'webhook', action: null, kind: null },
    ...{ users: [], version: null, repair: false, receivedAt },
  },
})

const opened: WebhookAppUnderTest[] = []
afterEach(async () => {
  for (const { app } of opened.splice(0)) await app.close()
})

function givenApp() {
  const given = aWebhookApp({ source: 'flow', parse })
  opened.push(given)
  return given
}

const send = async (app: FastifyInstance, request: string) => {
  await app.listen({ host: '127.0.0.1', port: 0 })
  const address = app.server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  const socket = connect(address.port, '127.0.0.1')
  socket.write(request)
  return socket
}
const exchange = async (app: FastifyInstance, request: string) => text(await send(app, request))
const head = (lines: string, connection = 'close') =>
  `POST /webhooks/flow/acme HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n${lines}\r\n`

test('a chunked body past 64 KiB is cut off with 413 before its end', async () => {
  const { app } = givenApp()
  const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`
  const endless = head(`Authorization: Bearer ${SECRET}\r\nTransfer-Encoding: chunked\r\n`) + chunk + chunk

  expect(await exchange(app, endless)).toMatch(/^HTTP\/1.1 413 /)
})

test('a stranger is refused before the body was sent', async () => {
  const { app } = givenApp()

  expect(await exchange(app, head('Content-Length: 60000\r\n'))).toMatch(/^HTTP\/1.1 401 /)
})

test('what is no HTTP is refused', async () => {
  const { app } = givenApp()

  expect(await exchange(app, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1.1 400 /)
})

test('a close answers what is under way, and later requests of an open connection with 503', async () => {
  const { app, publisher } = givenApp()
  const stored = Promise.withResolvers<void>()
  const storing = new Promise<void>((resolve) => {
    publisher.before(() => {
      resolve()
      return stored.promise
    })
  })
  const request = `${head(`Authorization: Bearer ${SECRET}\r\nContent-Length: 9\r\n`, 'keep-alive')}{"id": 1}`

  const socket = await send(app, request)
  await storing
  const refused = once(app.server, 'request')
  const closed = app.close()
  socket.write(request)
  await refused
  stored.resolve()
  const replies = await text(socket)
  await closed

  expect(replies.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 202', 'HTTP/1.1 503'])
  expect(replies).toMatch(/retry-after: 5/)
})

test.each([
  ['ERR_HTTP_REQUEST_TIMEOUT', /^HTTP\/1.1 503 .*Retry-After: 5/s],
  ['HPE_HEADER_OVERFLOW', /^HTTP\/1.1 431 /],
  ['HPE_INVALID_METHOD', /^HTTP\/1.1 400 /],
])('a request that ends in %s is answered %s', async (code, reply) => {
  const { app } = givenApp()
  const socket = new PassThrough()

  app.server.emit('clientError', Object.assign(new Error('broken'), { code }), socket)

  expect(await text(socket)).toMatch(reply)
})
