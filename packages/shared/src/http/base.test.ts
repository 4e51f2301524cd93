import { createServer, type Server } from 'node:net'
import type { Dispatcher } from 'undici'
import { afterEach, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { type Answer, sendJson, startHttpServer, type TestServer } from '../testing/http-server.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { createBase } from './base.ts'
import type { Call } from './call.ts'
import { createDispatchers } from './dispatchers.ts'
import type { HttpAnswer, TargetRequest } from './request.ts'
import { afterDelay, type Schedule } from './schedule.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const serve = async (answer: Answer): Promise<TestServer> => {
  const server = await startHttpServer(answer)
  closing.push(server.close)
  return server
}
const silent: Answer = () => {}

const aBase = ({
  maxAnswerBytes = 1_000_000,
  dispatcherOf = null as Dispatcher | null,
  schedule = afterDelay as Schedule,
} = {}) => {
  const deadlineMs = 10_000
  const dispatchers = createDispatchers({ connectTimeoutMs: deadlineMs })
  closing.push(dispatchers.close)
  const of = dispatcherOf === null ? dispatchers.of : () => dispatcherOf
  return createBase({ deadlineMs, maxAnswerBytes, userAgent: 'flow-omnium-sync/0', dispatcherOf: of, schedule })
}
const aRead = (baseUrl: string, fields: Partial<TargetRequest> = {}): TargetRequest => ({
  target: 'flow',
  operation: 'get-customer',
  method: 'GET',
  baseUrl,
  path: '/customers/1000',
  call: aCall(),
  ...fields,
})
const aWrite = (baseUrl: string, fields: Partial<TargetRequest> = {}): TargetRequest =>
  aRead(baseUrl, { operation: 'update-customer', method: 'PUT', body: { email: 'kari@example.com' }, ...fields })

const failureOf = async (sending: Promise<HttpAnswer>): Promise<SyncError> => {
  const error: unknown = await sending.then(
    () => 'an answer',
    (reason) => reason,
  )
  if (!(error instanceof SyncError)) throw new Error(`not a SyncError: ${error}`)
  return error
}

/** A server below HTTP. */
const listen = async (server: Server): Promise<string> => {
  closing.push(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

describe('the base layer', () => {
  it('sends a request as it stands and resolves with the whole answer', async () => {
    const server = await serve((_request, response) => sendJson(response, 409, { why: 'exists' }, { 'x-a': 'b' }))
    const call = aCall({ traceparent: '00-a-b-00' })

    const answer = await aBase()(aWrite(`${server.url}/v2`, { path: '/c/%2E%2E/a%40b?x=1', call }))

    expect(answer).toMatchObject({ status: 409, text: '{"why":"exists"}', headers: { 'x-a': 'b' } })
    expect(server.requests[0]).toMatchObject({
      method: 'PUT',
      url: '/v2/c/%2E%2E/a%40b?x=1',
      body: '{"email":"kari@example.com"}',
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        'content-type': 'application/json',
        'user-agent': 'flow-omnium-sync/0',
        traceparent: '00-a-b-00',
      },
    })
  })

  it('leaves out a byte order mark', async () => {
    const server = await serve((_request, response) => response.end('\uFEFF{"å":1}'))

    expect(await aBase()(aRead(server.url))).toMatchObject({ text: '{"å":1}' })
  })

  it('keeps connections for the next request', async () => {
    const server = await serve((_request, response) => sendJson(response, 200, {}))
    const send = aBase()

    for (let i = 0; i < 10; i++) await send(aRead(server.url))

    // One may still be at the end of an answer when the next request wants it.
    expect(server.connections()).toBeLessThanOrEqual(2)
  })

  it('does not follow redirects', async () => {
    const server = await serve((_request, response) => sendJson(response, 307, {}, { location: '/elsewhere' }))

    const { status } = await aBase()(aWrite(server.url))

    expect(status).toBe(307)
    expect(server.requests).toHaveLength(1)
  })

  it.each([
    ['write', aWrite, true],
    ['read', aRead, false],
  ])('a reset after a %s was sent leaves its end unknown: %#', async (_what, request, unknownEnd) => {
    const server = await serve((_request, _response, socket) => socket.resetAndDestroy())

    const error = await failureOf(aBase()(request(server.url)))

    expect(error).toMatchObject({ code: 'target-reset', unknownEnd, target: 'flow', tenant: 'acme' })
    expect(server.requests).toHaveLength(1)
    expect(error.message).not.toContain('1000')
  })

  it('an answer that breaks off leaves the end of a write unknown', async () => {
    const server = await serve((_request, response, socket) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"upda', () => socket.destroy())
    })

    const error = await failureOf(aBase()(aWrite(server.url)))

    expect(error).toMatchObject({ code: 'target-reset', unknownEnd: true })
  })

  it('gives up at the deadline, with the end of a write unknown', async () => {
    let passDeadline = () => {}
    const schedule: Schedule = (run) => {
      passDeadline = run
      return () => {}
    }
    const server = await serve(() => passDeadline())

    const error = await failureOf(aBase({ schedule })(aWrite(server.url)))

    expect(error).toMatchObject({ code: 'target-timeout', unknownEnd: true })
    expect(error.message).toBe('updating a customer in flow: no answer within 10000 ms')
  })

  it('gives a write up when it is told to, with its end unknown and its connection closed', async () => {
    const giving = new AbortController()
    const closed = Promise.withResolvers<void>()
    const server = await serve((_request, response) => {
      response.socket?.once('close', closed.resolve)
      giving.abort()
    })

    const error = await failureOf(aBase()(aWrite(server.url, { giveUp: giving.signal })))

    expect(error).toMatchObject({ code: 'target-timeout', unknownEnd: true })
    await closed.promise
  })

  it('does not fail a request that it is told to give up before the request is sent', async () => {
    const server = await serve(silent)
    const giving = new AbortController()
    const fence = () => {
      throw new SyncError('fenced', 'sending: not ours')
    }
    const failing = failureOf(aBase()(aWrite(server.url, { giveUp: giving.signal, call: aCall({ fence }) })))
    giving.abort()
    expect((await failing).code).toBe('fenced')
  })

  it.each([true, false])(
    'listens to an unanswered read until an answer or the deadline (answered: %s)',
    async (isAnswered) => {
      const answering = Promise.withResolvers<void>()
      const passing: (() => void)[] = []
      const schedule: Schedule = (run) => {
        passing.push(run)
        return () => {}
      }
      const server = await serve(async (_request, response) => {
        // The wait for the answer.
        passing.at(-1)!()
        await answering.promise
        sendJson(response, 200, {})
      })
      const told = Promise.withResolvers<boolean>()
      const error = await failureOf(
        aBase({ schedule })(aRead(server.url, { deadlineMs: 100, onUnanswered: () => told.resolve })),
      )
      expect(error.message).toBe('reading a customer from flow: no answer within 100 ms')
      if (isAnswered) answering.resolve()
      else passing.at(-1)!()

      expect(await told.promise).toBe(isAnswered)
      answering.resolve()
    },
  )

  it('ends with the call, with the end of a write that was sent unknown', async () => {
    const abort = new AbortController()
    const server = await serve(() => abort.abort())

    const error = await failureOf(aBase()(aWrite(server.url, { call: aCall({ signal: abort.signal }) })))

    expect(error).toMatchObject({ code: 'aborted', unknownEnd: true })
  })

  it('sends nothing for a call that has ended', async () => {
    const server = await serve(silent)

    const error = await failureOf(aBase()(aWrite(server.url, { call: aCall({ signal: AbortSignal.abort() }) })))

    expect(error).toMatchObject({ code: 'aborted', unknownEnd: false })
    expect(server.connections()).toBe(0)
  })

  it('is unreachable when nobody listens: nothing was sent', async () => {
    const server = await startHttpServer(silent)
    await server.close()

    const error = await failureOf(aBase()(aWrite(server.url)))

    expect(error).toMatchObject({ code: 'target-unreachable', unknownEnd: false })
    expect(error.message).toBe('updating a customer in flow: ECONNREFUSED')
  })

  it('is unreachable when TLS fails', async () => {
    const server = await serve(silent)

    const error = await failureOf(aBase()(aWrite(server.url.replace('http:', 'https:'))))

    expect(error).toMatchObject({ code: 'target-unreachable', unknownEnd: false })
    expect(server.requests).toHaveLength(0)
  })

  it('stops reading an answer that is too large', async () => {
    const server = await serve((_request, response) => response.end('x'.repeat(5_000)))

    const error = await failureOf(aBase({ maxAnswerBytes: 1_000 })(aRead(server.url)))

    expect(error.code).toBe('target-answer-invalid')
  })

  it('finds an answer invalid that is not HTTP', async () => {
    const url = await listen(createServer((socket) => void socket.on('data', () => socket.end('hello?\r\n\r\n'))))

    const error = await failureOf(aBase()(aRead(url)))

    expect(error).toMatchObject({ code: 'target-answer-invalid' })
  })

  it('asks the fence at the moment of writing to the socket, and sends nothing when it refuses', async () => {
    const server = await serve((_request, response) => sendJson(response, 200, {}))
    const send = aBase()
    let asked = 0
    const fence: Call['fence'] = () => {
      asked++
      throw new SyncError('fenced', 'the partition is not ours')
    }

    const error = await failureOf(send(aWrite(server.url, { call: aCall({ fence }) })))

    expect(error).toMatchObject({ code: 'fenced', unknownEnd: false })
    expect(asked).toBe(1)
    await send(aRead(server.url))
    expect(server.requests).toHaveLength(1)
  })

  it('never sends what was given up while it waited for a connection', async () => {
    const time = createManualTime()
    const held: Dispatcher.DispatchHandler[] = []
    const dispatcherOf = { dispatch: (_: unknown, handler: Dispatcher.DispatchHandler) => held.push(handler) > 0 }
    const aborted: (Error | undefined)[] = []
    const controller = { abort: (reason?: Error) => aborted.push(reason) }
    const base = aBase({ schedule: time.schedule, dispatcherOf: dispatcherOf as unknown as Dispatcher })

    const failing = failureOf(base(aWrite('http://flow.example')))
    await time.advance(10_000)
    const error = await failing
    held[0]?.onRequestStart?.(controller as unknown as Dispatcher.DispatchController, {})

    expect(error).toMatchObject({ code: 'target-unreachable', unknownEnd: false })
    expect(aborted).toHaveLength(1)
  })

  it('uses the tenant of the call in its failure, and no part of the request', async () => {
    const server = await serve((_request, _response, socket) => socket.destroy())
    const call = aCall({ tenant: aTenant({ uid: 'other' }) })

    const error = await failureOf(aBase()(aWrite(server.url, { path: '/customers/kari%40example.com', call })))

    expect(error.tenant).toBe('other')
    expect(`${error.message} ${error.stack}`).not.toContain('kari')
  })
})
