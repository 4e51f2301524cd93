import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createGoneClient } from '@sync/sandbox/gone-client'

/** One write that arrived. Times are of `performance.now()`; `executedAt` null: it took no effect. */
export interface SinkCall {
  readonly tenant: string
  readonly key: string
  readonly n: number
  readonly step: number
  /** The instance, and the process of it. */
  readonly member: string
  readonly pid: number
  readonly lane: string | null
  readonly arrivedAt: number
  executedAt: number | null
  /** Answered, or its client gone. */
  endedAt: number | null
  status: number | null
}

export interface SinkRequest {
  readonly tenant: string
  /** null: a token or a probe. */
  readonly key: string | null
  /** null: a read. */
  readonly n: number | null
}
/** `status` of 400 and more: refused without an effect. `hang`: neither done nor answered. */
export interface Behaviour {
  readonly latencyMs?: number
  readonly status?: number
  readonly hang?: boolean
}

/** Omnium's API as far as the keyed member uses it; remembers every write in the order of arrival. */
export interface KeyedSink {
  readonly calls: readonly SinkCall[]
  /** Requests of every kind so far, tokens and probes too. */
  requests(): number
  baseUrl(tenant: string): string
  /** The newest n that took effect last. */
  stored(tenant: string, key: string): number | undefined
  behave(how: (request: SinkRequest) => Behaviour): void
  /** Until `listen`, connections are refused. */
  close(): Promise<void>
  /** The same port as before. */
  listen(): Promise<void>
}

const PATCH = 'PatchPrivateCustomer'
/** The list of a probe, which is empty here. */
const LIST = 'Search'

export function createKeyedSink(): KeyedSink {
  const calls: SinkCall[] = []
  const stored = new Map<string, number>()
  let behaviourOf: (request: SinkRequest) => Behaviour = () => ({})
  let server: Server | null = null
  let port = 0
  let requests = 0
  const isGone = createGoneClient()

  const perform = async (request: SinkRequest, response: ServerResponse, act: () => void): Promise<void> => {
    const { latencyMs = 0, status = 200, hang = false } = behaviourOf(request)
    if (hang) return
    if (latencyMs > 0) await delay(latencyMs)
    if (status >= 400) response.writeHead(status).end()
    else act()
  }

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (await isGone(request.socket)) return
    const arrivedAt = performance.now()
    requests++
    const [tenant = '', ...rest] = new URL(request.url ?? '/', 'http://sink').pathname.slice(1).split('/')
    const last = decodeURIComponent(rest.at(-1) ?? '')
    const answer = (body: object) => response.writeHead(200, { 'content-type': 'application/json' }).end(toJson(body))
    if (last === 'token') return answer({ accessToken: 'a-token', expiresIn: 86_400 }) as never
    if (last !== PATCH) {
      const key = last === LIST ? null : last
      return perform({ tenant, key, n: null }, response, () => {
        if (key === null) return answer({ result: [], totalHits: 0 })
        const n = stored.get(`${tenant}:${key}`)
        if (n === undefined) response.writeHead(404).end()
        else answer({ customerId: key, n })
      })
    }
    let text = ''
    for await (const chunk of request) text += chunk
    const { customerId: key, ...fields } = JSON.parse(text)
    const call: SinkCall = { tenant, key, ...fields, arrivedAt, executedAt: null, endedAt: null, status: null }
    calls.push(call)
    response.once('close', () => {
      call.endedAt = performance.now()
      if (response.writableFinished) call.status = response.statusCode
    })
    return perform({ tenant, key, n: call.n }, response, () => {
      call.executedAt = performance.now()
      stored.set(`${tenant}:${key}`, call.n)
      answer({ updatedCount: 1, notFoundCount: 0, errorCount: 0 })
    })
  }

  return {
    calls,
    requests: () => requests,
    baseUrl: (tenant) => `http://127.0.0.1:${port}/${tenant}`,
    stored: (tenant, key) => stored.get(`${tenant}:${key}`),
    behave(how) {
      behaviourOf = how
    },
    async listen() {
      const next = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
        // A client that went away while it was sending.
        serve(request, response).catch(() => response.destroy())
      })
      next.listen(port, '127.0.0.1')
      await once(next, 'listening')
      port = (next.address() as AddressInfo).port
      server = next
    },
    async close() {
      const closing = server
      server = null
      if (closing === null) return
      const closed = once(closing, 'close')
      closing.close()
      closing.closeAllConnections()
      await closed
    },
  }
}

const toJson = (body: object) => JSON.stringify(body)
