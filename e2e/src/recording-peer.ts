import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface RecordedRequest {
  readonly method: string
  /** As it came, with its query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** By `performance.now()`. */
  readonly at: number
  /** Requests under way when it came, itself included. */
  readonly inFlight: number
  /** The connection that it came by, counted from 1. */
  readonly connection: number
}

/** Answers a request in whatever way; what it leaves open is cut at the end. */
export type Answering = (request: RecordedRequest, response: ServerResponse) => void | Promise<void>

/** A peer that keeps everything it is asked, for what the stand-ins don't show: headers, connections, pace. */
export interface RecordingPeer {
  readonly url: string
  readonly requests: readonly RecordedRequest[]
  answer: Answering
  close(): Promise<void>
}

export const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export async function startRecordingPeer(answer: Answering): Promise<RecordingPeer> {
  const requests: RecordedRequest[] = []
  const connections = new WeakMap<object, number>()
  let connected = 0
  let inFlight = 0
  const server = createServer({ keepAliveTimeout: 60_000 }, async (request, response) => {
    inFlight++
    // `prefinish` comes before the last byte leaves. The sender may send the next request before `close`.
    let isOver = false
    for (const end of ['prefinish', 'close']) {
      response.once(end, () => {
        if (!isOver) inFlight--
        isOver = true
      })
    }
    const { method = '', url = '', headers, socket } = request
    const entry = { method, url, headers, at: performance.now(), inFlight, connection: connections.get(socket) ?? 0 }
    const recorded = { ...entry, body: await text(request) }
    requests.push(recorded)
    await peer.answer(recorded, response)
  })
  server.on('connection', (socket) => connections.set(socket, ++connected))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const peer: RecordingPeer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return peer
}
