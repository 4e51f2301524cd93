import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson, startHttpServer } from '../testing/http-server.ts'
import { createBase } from './base.ts'
import { createDispatchers } from './dispatchers.ts'
import { OWN_CONNECTIONS } from './own-connections.ts'
import type { TargetRequest } from './request.ts'
import { afterDelay } from './schedule.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function aBaseAt(answer: Answer) {
  const server = await startHttpServer(answer)
  const dispatchers = createDispatchers({ connectTimeoutMs: 10_000 })
  closing.push(server.close, dispatchers.close)
  const base = createBase({
    deadlineMs: 10_000,
    maxAnswerBytes: 1_000_000,
    userAgent: 'flow-omnium-sync/0',
    dispatcherOf: dispatchers.of,
    schedule: afterDelay,
  })
  const asked = { target: 'flow', baseUrl: server.url, path: '/customers/1000', call: aCall() } as const
  const ending = (request: TargetRequest): Promise<number | SyncError> =>
    base(request).then(
      ({ status }) => status,
      (error: unknown) => error as SyncError,
    )
  const read = () => ending({ ...asked, operation: 'get-customer', method: 'GET' })
  const write = () => ending({ ...asked, operation: 'update-customer', method: 'PUT', body: { email: 'a@b.example' } })
  return { server, read, write }
}

/** A peer, or a proxy in front of it, that closes a connection at the moment when a further request comes on it. */
function racing(): Answer {
  const used = new WeakSet<Socket>()
  return (_request, response, socket) => {
    if (used.has(socket)) return socket.destroy()
    used.add(socket)
    sendJson(response, 200, {})
  }
}

describe('a connection that the peer closes when a request comes on it', () => {
  it('ends that request, which is not repeated: a read failed, the end of a write is unknown', async () => {
    for (const [kind, unknownEnd] of [
      ['read', false],
      ['write', true],
    ] as const) {
      const { server, ...send } = await aBaseAt(racing())
      // One connection may still be at the end of an answer when the next request wants it.
      let failure: number | SyncError = 200
      let sent = 0
      while (failure === 200 && sent < 20) {
        failure = await send[kind]()
        sent += 1
      }

      expect(failure).toBeInstanceOf(SyncError)
      expect(failure).toMatchObject({ code: 'target-reset', unknownEnd })
      expect(server.requests).toHaveLength(sent)
    }
  })

  it('gives the next requests to that origin a connection each, so that they do not meet the same end', async () => {
    const { server, write } = await aBaseAt(racing())

    const ends: (number | SyncError)[] = []
    for (let i = 0; i < 300; i += 1) ends.push(await write())

    const failures = ends.filter((end) => end !== 200)
    expect(failures.length).toBeGreaterThanOrEqual(1)
    expect(failures.length).toBeLessThanOrEqual(2 * Math.ceil(300 / OWN_CONNECTIONS))
    expect(server.requests).toHaveLength(300)
  })

  it('does not cost the connections of other failures, nor of another origin', async () => {
    const healthy = await aBaseAt((_request, response) => sendJson(response, 503, {}))
    const { read } = await aBaseAt(racing())

    for (let i = 0; i < 10; i += 1) await read()
    for (let i = 0; i < 10; i += 1) await healthy.read()

    expect(healthy.server.connections()).toBeLessThanOrEqual(2)
  })

  it('is told from an answer that breaks off', async () => {
    let isBroken = false
    const { server, read } = await aBaseAt((_request, response, socket) => {
      if (!isBroken) return sendJson(response, 200, {})
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"a', () => socket.destroy())
    })

    await read()
    isBroken = true
    const broken = await read()
    isBroken = false
    const before = server.connections()
    for (let i = 0; i < 10; i += 1) await read()

    expect(broken).toMatchObject({ code: 'target-reset' })
    expect(server.connections() - before).toBeLessThanOrEqual(2)
  })
})
