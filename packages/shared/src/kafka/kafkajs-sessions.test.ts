import { createRequire } from 'node:module'
import { connect as connectSocket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { type SaslBroker, startSaslBroker } from '../testing/sasl-broker.ts'
import { mendKafkaJs } from './kafkajs-fixes.ts'

mendKafkaJs()
const internal = createRequire(import.meta.url)
const Connection = internal('kafkajs/src/network/connection.js')
const ConnectionPool = internal('kafkajs/src/network/connectionPool.js')
const Encoder = internal('kafkajs/src/protocol/encoder.js')

const [METADATA, HEARTBEAT, JOIN] = [3, 12, 11]
const NAMES = { [METADATA]: 'metadata', [HEARTBEAT]: 'heartbeat', [JOIN]: 'join' }
const silent = { debug() {}, info() {}, warn() {}, error() {}, namespace: () => silent }

// Of a session only the age counts, and the age is by this clock.
beforeEach(() => vi.useFakeTimers({ toFake: ['hrtime', 'performance'] }))
afterEach(() => vi.useRealTimers())

async function givenBroker(sessionLifetimeMs: number): Promise<SaslBroker> {
  const broker = await startSaslBroker({ sessionLifetimeMs, names: NAMES, now: () => performance.now() })
  onTestFinished(() => broker.close())
  return broker
}
const optionsFor = ({ port }: SaslBroker) => ({
  ...{ host: '127.0.0.1', port, logger: silent, connectionTimeout: 5_000, requestTimeout: 5_000 },
  socketFactory: (to: { host: string; port: number; onConnect: () => void }) =>
    connectSocket({ host: to.host, port: to.port }, to.onConnect),
  sasl: { mechanism: 'plain', username: 'someone', password: 'secret' },
})
const prepared = <C extends { setVersions(of: object): void; setSupportAuthenticationProtocol(is: boolean): void }>(
  connection: C,
) => {
  connection.setVersions({ 17: { minVersion: 0, maxVersion: 1 }, 36: { minVersion: 0, maxVersion: 1 } })
  connection.setSupportAuthenticationProtocol(true)
  return connection
}
async function givenConnection(broker: SaslBroker) {
  const connection = prepared(new Connection(optionsFor(broker)))
  await connection.connect()
  onTestFinished(() => connection.disconnect())
  return connection
}
/** A request whose bytes are ready when the promise resolves. */
const requestOf = (apiKey: number, encoded: Promise<unknown> = Promise.resolve()) => ({
  request: {
    ...{ apiKey, apiVersion: 0, apiName: NAMES[apiKey] },
    encode: async () => {
      await encoded
      return new Encoder()
    },
  },
  response: { decode: async () => ({}), parse: async () => 'answered' },
})

describe('a session that the broker ends after 15 s', () => {
  it('is renewed in time, and by one request of many', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    vi.advanceTimersByTime(14_000)

    await Promise.all([1, 2, 3].map(() => connection.send(requestOf(METADATA))))

    expect(broker.log).toEqual([
      ...['handshake', 'authenticated', 'metadata'],
      ...['handshake', 'authenticated', 'metadata', 'metadata', 'metadata'],
    ])
  })

  it('is renewed only after a request that is being encoded has been sent', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    const encoded = Promise.withResolvers<void>()

    const before = connection.send(requestOf(METADATA, encoded.promise))
    vi.advanceTimersByTime(14_000)
    const after = connection.send(requestOf(HEARTBEAT))
    // As long as it may take the client to send a handshake.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    encoded.resolve()

    expect(await Promise.all([before, after])).toEqual(['answered', 'answered'])
    expect(broker.log.slice(2)).toEqual(['metadata', 'metadata', 'handshake', 'authenticated', 'heartbeat'])
  })

  it('is renewed only after the answer to a request that takes long', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    const joined = Promise.withResolvers<void>()
    broker.slow.set(JOIN, joined.promise)

    const join = connection.send(requestOf(JOIN))
    await vi.waitFor(() => expect(broker.log).toContain('join'))
    vi.advanceTimersByTime(20_000)
    const heartbeat = connection.send(requestOf(HEARTBEAT))
    joined.resolve()

    expect(await Promise.all([join, heartbeat])).toEqual(['answered', 'answered'])
    expect(broker.log.slice(2)).toEqual(['join', 'handshake', 'authenticated', 'heartbeat'])
  })

  it('does not end behind a join that takes longer than the session', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    const joined = Promise.withResolvers<void>()
    broker.slow.set(JOIN, joined.promise)

    const join = connection.send(requestOf(JOIN))
    await vi.waitFor(() => expect(broker.log).toContain('join'))
    const heartbeat = connection.send(requestOf(HEARTBEAT))
    vi.advanceTimersByTime(20_000)
    joined.resolve()

    expect(await Promise.all([join, heartbeat])).toEqual(['answered', 'answered'])
    expect(broker.log.slice(2)).toEqual(['join', 'handshake', 'authenticated', 'heartbeat'])
  })

  it('is renewed while the connection counts as authenticated', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    vi.advanceTimersByTime(14_000)
    const seen: boolean[] = []
    broker.onAuthenticate = () => {
      seen.push(connection.isAuthenticated())
      return 'accept'
    }

    await connection.send(requestOf(METADATA))

    expect(seen).toEqual([true])
  })

  it('is renewed also when nothing was sent until it had ended', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    vi.advanceTimersByTime(60_000)

    expect(await connection.send(requestOf(METADATA))).toBe('answered')
  })
})

it.each([1_500, 3_000, 10_000])(
  'a session of %d ms is renewed once before it ends, not for each request',
  async (lifetimeMs) => {
    const broker = await givenBroker(lifetimeMs)
    const connection = await givenConnection(broker)

    for (let at = 0; at < 10 * lifetimeMs; at += 100) {
      await connection.send(requestOf(HEARTBEAT))
      vi.advanceTimersByTime(100)
    }

    const renewals = broker.log.filter((what) => what === 'authenticated').length - 1
    expect(broker.log.filter((what) => !['handshake', 'authenticated', 'heartbeat'].includes(what))).toEqual([])
    expect(renewals).toBeGreaterThanOrEqual(9)
    expect(renewals).toBeLessThanOrEqual(25)
  },
)

it('a session without an end is not renewed', async () => {
  const broker = await givenBroker(0)
  const connection = await givenConnection(broker)
  await connection.send(requestOf(METADATA))
  vi.advanceTimersByTime(86_400_000)
  await connection.send(requestOf(METADATA))

  expect(broker.log).toEqual(['handshake', 'authenticated', 'metadata', 'metadata'])
})

describe('an authentication that fails', () => {
  it('is a lost connection, which is tried again, where the connection was lost', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    vi.advanceTimersByTime(14_000)
    broker.onAuthenticate = () => 'close'

    const error = await connection.send(requestOf(METADATA)).catch((caught: unknown) => caught)

    expect(error).toMatchObject({ name: 'KafkaJSConnectionError', retriable: true })
  })

  it('is a refusal where the broker refuses us, and ends the connection', async () => {
    const broker = await givenBroker(15_000)
    const connection = await givenConnection(broker)
    await connection.send(requestOf(METADATA))
    vi.advanceTimersByTime(14_000)
    broker.onAuthenticate = () => 'refuse'

    const error = await connection.send(requestOf(METADATA)).catch((caught: unknown) => caught)

    expect(error).toMatchObject({ name: 'KafkaJSSASLAuthenticationError' })
    await vi.waitFor(() => expect(connection.isConnected()).toBe(false))
  })
})

it('requests that find a connection lost open one new connection together', async () => {
  const broker = await givenBroker(15_000)
  const pool = prepared(new ConnectionPool(optionsFor(broker)))
  onTestFinished(() => pool.destroy())

  await Promise.all([1, 2, 3].map(() => pool.send(requestOf(METADATA))))

  expect(broker.connections()).toBe(1)
  expect(broker.log).toEqual(['handshake', 'authenticated', 'metadata', 'metadata', 'metadata'])
})
