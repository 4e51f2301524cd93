import { createRequire } from 'node:module'
import type { Exchange } from './kafkajs-cluster.ts'

/** A request that is made in the moment in which it leaves the process. */
export interface LeavingExchange<V> extends Exchange<V> {
  readonly request: Exchange<V>['request'] & {
    /** Called once, synchronously before the write to the socket. With null nothing is written, and the send rejects. */
    readonly bytes: (correlationId: number, clientId: string) => Buffer | null
  }
}

interface Answer {
  readonly payload: Buffer
}
interface Entry {
  readonly apiKey: number
  readonly apiName: string
  readonly apiVersion: number
  readonly correlationId: number
  /** Set only for a LeavingExchange. Throws the error with which the request is rejected. */
  readonly beforeLeaving?: () => void
  resolve(answer: Answer): void
  reject(error: unknown): void
}
interface SocketRequest {
  readonly entry: Entry
  rejected(error: unknown): void
}
interface RequestQueue {
  push(request: { entry: Entry; expectResponse: boolean; sendRequest(): void }): void
  sendSocketRequest(request: SocketRequest): void
  maybeThrottle(ms: number | undefined): void
}
interface Connection {
  readonly clientId: string
  readonly socket: { write(bytes: Buffer): unknown }
  readonly requestQueue: RequestQueue
  isAuthenticated(): boolean
  authenticate(): Promise<void>
  failIfNotConnected(): void
  nextCorrelationId(): number
  send(exchange: Exchange<unknown> | LeavingExchange<unknown>): Promise<unknown>
}

const internal = createRequire(import.meta.url)
const prototypeOf = (path: string) => (internal(`kafkajs/src/${path}`) as { prototype: object }).prototype

/**
 * kafkajs 2.2.4 encodes a request first. Then the request may wait in a queue, without a time limit, until the broker no longer
 * throttles the client. A fence that was asked before the wait proves nothing about the moment in which the request leaves, and
 * the caller may know by then that the call has failed. Therefore a LeavingExchange is made only when its turn has come.
 */
export function makeRequestsWhenTheyLeave(): void {
  const connection = prototypeOf('network/connection.js') as Connection
  const { send } = connection
  connection.send = async function (exchange) {
    if (!('bytes' in exchange.request)) return send.call(this, exchange)
    const { request, response } = exchange as LeavingExchange<unknown>
    if (!this.isAuthenticated()) await this.authenticate()
    const { payload } = await pushed(this, request)
    const decoded = (await response.decode(payload)) as { readonly clientSideThrottleTime?: number }
    this.requestQueue.maybeThrottle(decoded.clientSideThrottleTime)
    return response.parse(decoded as never)
  }

  const queue = prototypeOf('network/requestQueue/index.js') as RequestQueue
  const { sendSocketRequest } = queue
  queue.sendSocketRequest = function (socketRequest) {
    try {
      socketRequest.entry.beforeLeaving?.()
    } catch (error) {
      return socketRequest.rejected(error)
    }
    sendSocketRequest.call(this, socketRequest)
  }
}

const pushed = (connection: Connection, { bytes, ...api }: LeavingExchange<unknown>['request']): Promise<Answer> =>
  new Promise((resolve, reject) => {
    connection.failIfNotConnected()
    const correlationId = connection.nextCorrelationId()
    let leaving: Buffer | null = null
    const beforeLeaving = () => {
      leaving = bytes(correlationId, connection.clientId)
      if (leaving === null) throw new Error('nothing is left to send')
    }
    connection.requestQueue.push({
      entry: { ...api, correlationId, beforeLeaving, resolve, reject },
      expectResponse: true,
      sendRequest: () => void connection.socket.write(leaving!),
    })
  })
