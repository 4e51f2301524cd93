import { createRequire } from 'node:module'

interface Exchange {
  readonly request: { readonly apiKey: number }
}
interface Connection {
  readonly sasl: object | null
  readonly broker: string
  /** By `process.hrtime()`; null before the first authentication, and when the connection is lost. */
  authenticatedAt: [number, number] | null
  /** In ms; 0 where sessions do not end. */
  sessionLifetime: Long
  readonly logger: object
  readonly versions: object
  readonly supportAuthenticationProtocol: boolean
  isConnected(): boolean
  isAuthenticated(): boolean
  connect(): Promise<unknown>
  disconnect(): Promise<unknown>
  send(exchange: Exchange): Promise<unknown>
}
interface SaslAuthenticator {
  readonly connection: Connection
  /** As the broker says, in ms. */
  readonly sessionLifetime: string
  authenticate(): Promise<void>
}
/** A 64-bit integer of kafkajs. */
interface Long {
  toString(): string
}

/** The requests of a connection that are being encoded, or wait for their answers. */
interface Traffic {
  count: number
  joins: number
  /** Resolves when the count is 0; null while nobody waits for this. */
  ended: PromiseWithResolvers<void> | null
  renewal: Promise<void> | null
}

const JOIN_GROUP = 11
/** These are sent before and during an authentication. */
const UNAUTHENTICATED: readonly number[] = [17, 18, 36]
/** A request may wait that long at a slow broker, and still comes before the end of the session. */
const RENEW_BEFORE_MS = 10_000
/** Brokers refuse an authentication that comes within a second of the one before. */
const MIN_RENEW_MS = 1_100

const internal = createRequire(import.meta.url)
const prototypeOf = (path: string) => (internal(`kafkajs/src/${path}`) as { prototype: object }).prototype
const Session = internal('kafkajs/src/broker/saslAuthenticator/index.js') as new (
  connection: Connection,
  logger: object,
  versions: object,
  supportAuthenticationProtocol: boolean,
) => SaslAuthenticator
const LongOf = internal('kafkajs/src/utils/long.js') as { fromValue(value: string): Long }
const { KafkaJSConnectionError } = internal('kafkajs/src/errors.js') as {
  KafkaJSConnectionError: new (message: string, details: { broker: string }) => Error
}

/** kafkajs 2.2.4 and a broker that ends sessions: `connections.max.reauth.ms`, or the lifetime of credentials. */
export function outliveSessions(): void {
  renewBetweenRequests()
  tellLostConnectionsFromRefusals()
  connectOnce()
}

/** How old a session of this lifetime is when it is renewed. */
export function renewAtMs(lifetimeMs: number): number {
  return Math.max(lifetimeMs - Math.min(RENEW_BEFORE_MS, lifetimeMs / 2), MIN_RENEW_MS)
}

/**
 * kafkajs authenticates again 10 s before the end of a session: with each request where a session lasts no longer than that,
 * which brokers refuse. It does so while other requests are being encoded: such a request is sent in the middle of the
 * authentication, for which the broker closes the connection, and the result of every request on it is unknown.
 *
 * Here new requests wait, the answers of earlier requests are awaited, and then the session is renewed. Nothing is sent
 * behind a join either: a broker reads it only after the join, when the session may have ended.
 */
function renewBetweenRequests() {
  const connection = prototypeOf('network/connection.js') as Connection
  const { send } = connection
  const traffics = new WeakMap<Connection, Traffic>()
  const trafficOf = (of: Connection): Traffic => {
    const known = traffics.get(of)
    if (known !== undefined) return known
    const fresh: Traffic = { count: 0, joins: 0, ended: null, renewal: null }
    traffics.set(of, fresh)
    return fresh
  }
  connection.isAuthenticated = function () {
    return this.authenticatedAt !== null
  }
  connection.send = async function (exchange) {
    const { apiKey } = exchange.request
    if (!this.sasl || UNAUTHENTICATED.includes(apiKey)) return send.call(this, exchange)
    const traffic = trafficOf(this)
    for (let wait = waitFor(this, traffic); wait !== null; wait = waitFor(this, traffic)) await wait
    traffic.count++
    if (apiKey === JOIN_GROUP) traffic.joins++
    try {
      return await send.call(this, exchange)
    } finally {
      if (apiKey === JOIN_GROUP) traffic.joins--
      if (--traffic.count === 0) {
        traffic.ended?.resolve()
        traffic.ended = null
      }
    }
  }
}

/** What a request has to wait for before it may be sent; null for nothing. */
function waitFor(connection: Connection, traffic: Traffic): Promise<void> | null {
  if (traffic.renewal !== null) return traffic.renewal
  const lifetimeMs = Number(connection.sessionLifetime.toString())
  if (connection.authenticatedAt === null || lifetimeMs === 0) return null
  if (ageMs(connection.authenticatedAt) >= renewAtMs(lifetimeMs)) {
    traffic.renewal = renew(connection, traffic).finally(() => {
      traffic.renewal = null
    })
    return traffic.renewal
  }
  return traffic.joins > 0 ? untilEnded(traffic) : null
}

function ageMs(since: [number, number]): number {
  const [seconds, nanoseconds] = process.hrtime(since)
  return seconds * 1_000 + nanoseconds / 1e6
}

async function untilEnded(traffic: Traffic): Promise<void> {
  if (traffic.count === 0) return
  traffic.ended ??= Promise.withResolvers()
  await traffic.ended.promise
}

/** The connection counts as authenticated all the time: kafkajs connects anew where it does not. */
async function renew(connection: Connection, traffic: Traffic): Promise<void> {
  await untilEnded(traffic)
  // Lost meanwhile: the next connection begins with an authentication.
  if (!connection.isConnected()) return
  const { logger, versions, supportAuthenticationProtocol } = connection
  const session = new Session(connection, logger, versions, supportAuthenticationProtocol)
  try {
    await session.authenticate()
  } catch (error) {
    // Half an authentication is no state to go on from.
    if (connection.isConnected()) void connection.disconnect()
    throw error
  }
  connection.authenticatedAt = process.hrtime()
  connection.sessionLifetime = LongOf.fromValue(session.sessionLifetime)
}

/** kafkajs takes a connection that is lost during an authentication for a refusal, which no retry cures. */
function tellLostConnectionsFromRefusals() {
  const authenticator: SaslAuthenticator = Session.prototype
  const { authenticate } = authenticator
  authenticator.authenticate = async function () {
    try {
      await authenticate.call(this)
    } catch (error) {
      const { connection } = this
      if (connection.isConnected() || !(error instanceof Error)) throw error
      throw new KafkaJSConnectionError(`Connection lost: ${error.message}`, { broker: connection.broker })
    }
  }
}

/**
 * Requests that find a connection lost open a new one each. All but the last are forgotten, and when one of them ends,
 * kafkajs ends the one in use.
 */
function connectOnce() {
  const connection = prototypeOf('network/connection.js') as Connection
  const { connect, disconnect } = connection
  const attempts = new WeakMap<Connection, Promise<unknown>>()
  connection.connect = function () {
    const before = attempts.get(this)
    if (before !== undefined) return before
    const attempt = connect.call(this).finally(() => {
      if (attempts.get(this) === attempt) attempts.delete(this)
    })
    attempts.set(this, attempt)
    return attempt
  }
  connection.disconnect = function () {
    attempts.delete(this)
    return disconnect.call(this)
  }
}
