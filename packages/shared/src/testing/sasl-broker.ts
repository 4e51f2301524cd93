import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { int16, int32, int64, text } from '../kafka/wire-types.ts'

/**
 * The part of a Kafka broker that authenticates connections by SASL PLAIN and ends sessions: for tests of the client. A
 * real broker has the same rules. It answers the requests of a connection one after the other. It closes a connection on
 * which a request comes in the middle of an authentication, or after the end of the session. It refuses an authentication
 * that comes within a second of the one before.
 */
export interface SaslBroker {
  readonly port: number
  /** What happened, in order: `handshake`, `authenticated`, the names of requests, and why a connection was closed. */
  readonly log: string[]
  readonly connections: () => number
  /** Called for each authentication: the default answers `accept`. */
  onAuthenticate: () => 'accept' | 'refuse' | 'close'
  /** Requests of this kind are answered only when the promise resolves. */
  readonly slow: Map<number, Promise<unknown>>
  close(): Promise<void>
}

export interface SaslBrokerOptions {
  readonly sessionLifetimeMs: number
  readonly now: () => number
  /** By API key. */
  readonly names: Readonly<Record<number, string>>
}

const SASL_HANDSHAKE = 17
const SASL_AUTHENTICATE = 36
const ILLEGAL_SASL_STATE = 34
const SASL_AUTHENTICATION_FAILED = 58
const MIN_REAUTH_MS = 1_000

export async function startSaslBroker({ sessionLifetimeMs, now, names }: SaslBrokerOptions): Promise<SaslBroker> {
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer((socket) => {
    accepted++
    sockets.add(socket)
    socket.on('error', () => {})
    void serve(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const serve = async (socket: Socket) => {
    let endsAt: number | null = null
    let startedAt = Number.NEGATIVE_INFINITY
    let isAuthenticating = false
    const closeFor = (why: string) => {
      broker.log.push(why)
      socket.destroy()
    }
    for await (const { apiKey, correlationId } of requestsOn(socket)) {
      const answer = (body: Buffer) => socket.write(framed(Buffer.concat([int32(correlationId), body])))
      if (apiKey === SASL_HANDSHAKE) {
        const isTooSoon = now() - startedAt < MIN_REAUTH_MS
        broker.log.push(isTooSoon ? 'handshake too soon' : 'handshake')
        if (!isTooSoon) [isAuthenticating, startedAt] = [true, now()]
        answer(Buffer.concat([int16(isTooSoon ? ILLEGAL_SASL_STATE : 0), int32(1), text('PLAIN')]))
      } else if (apiKey === SASL_AUTHENTICATE) {
        const what = broker.onAuthenticate()
        if (what === 'close') return closeFor('closed while authenticating')
        const code = what === 'refuse' ? SASL_AUTHENTICATION_FAILED : isAuthenticating ? 0 : ILLEGAL_SASL_STATE
        isAuthenticating = false
        if (code === 0) endsAt = sessionLifetimeMs === 0 ? Number.POSITIVE_INFINITY : now() + sessionLifetimeMs
        broker.log.push(code === 0 ? 'authenticated' : 'refused')
        answer(Buffer.concat([int16(code), int16(-1), int32(0), int64(BigInt(sessionLifetimeMs))]))
      } else {
        const name = names[apiKey] ?? String(apiKey)
        if (isAuthenticating) return closeFor(`closed: ${name} while authenticating`)
        if (endsAt === null || now() > endsAt) return closeFor(`closed: ${name} without a session`)
        broker.log.push(name)
        await broker.slow.get(apiKey)
        answer(Buffer.alloc(0))
      }
    }
  }

  const broker: SaslBroker = {
    port: (server.address() as AddressInfo).port,
    log: [],
    connections: () => accepted,
    onAuthenticate: () => 'accept',
    slow: new Map(),
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return broker
}

async function* requestsOn(socket: Socket) {
  let bytes = Buffer.alloc(0)
  try {
    for await (const chunk of socket) {
      bytes = Buffer.concat([bytes, chunk as Buffer])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const size = bytes.readInt32BE(0)
        yield { apiKey: bytes.readInt16BE(4), correlationId: bytes.readInt32BE(8) }
        bytes = bytes.subarray(4 + size)
      }
    }
  } catch {
    // The connection ended.
  }
}

const framed = (body: Buffer) => Buffer.concat([int32(body.length), body])
