import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { outcomeOf } from '../failure-outcome.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson } from '../testing/http-server.ts'
import { liveTargetsOfEachTest } from '../testing/live-targets.ts'
import { settle } from '../testing/manual-time.ts'

const start = liveTargetsOfEachTest()

const CUSTOMER = { customerUid: '1000', customerType: 'PERSON' }
const served: Answer = (request, response) =>
  sendJson(response, 200, { ...CUSTOMER, customerUid: request.url.split('/').at(-1) })
const status =
  (code: number, headers = {}): Answer =>
  (_request, response) =>
    sendJson(response, code, { customer: 'kari@example.com' }, headers)
const caught = (promise: Promise<unknown>): Promise<SyncError> =>
  promise.then(
    () => Promise.reject(new Error('no failure')),
    (error) => error,
  )

describe('the clients of both targets', () => {
  it('ask the fence when the rate limit gives the turn, and not before', async () => {
    const targets = await start({ flow: served, requestsPerSecond: 1 })
    const { flow, tenant, time } = targets
    const events: string[] = []
    const get = (key: string) => {
      const call = aCall({ tenant, key, fence: () => void events.push(`fence ${key}`) })
      return flow.getCustomer(call, key).then(() => events.push(`answer ${key}`))
    }

    await Promise.all([get('a'), get('b')])
    events.length = 0
    const third = get('c')
    await settle()
    const before = [...events]
    await time.advance(1_000)
    await third

    expect(before).toEqual([])
    // At the hand-over, and at the write to the socket.
    expect(events).toEqual(['fence c', 'fence c', 'answer c'])
    expect(targets.flowServer.requests).toHaveLength(3)
  })

  it('send nothing that the fence refuses, and give its turn to the next', async () => {
    const { flow, flowServer, tenant } = await start({ flow: served, requestsPerSecond: 1 })
    const stale = new SyncError('fenced', 'the announcement is too old')
    const fence = () => {
      throw stale
    }

    for (let i = 0; i < 5; i++) expect(await caught(flow.getCustomer(aCall({ tenant, fence }), '1'))).toBe(stale)
    await flow.getCustomer(aCall({ tenant }), '1000')

    expect(flowServer.requests).toHaveLength(1)
  })

  it('send nothing that waited for its turn while the circuit opened', async () => {
    const { flow, flowServer, tenant, time } = await start({
      ...{ flow: status(401), requestsPerSecond: 1 },
      lists: 'as the peer answers',
    })

    const failing = ['a', 'b', 'c', 'd'].map((key) => caught(flow.getCustomer(aCall({ tenant, key }), key)))
    await Promise.all(failing.slice(0, 2))
    // The probes take turns too.
    await time.advance(20_000)
    const results = await Promise.all(failing)

    expect(results.map(({ code }) => code)).toEqual([
      'target-unauthorized',
      'target-unauthorized',
      'circuit-open',
      'circuit-open',
    ])
    expect(flowServer.requests.filter(({ url }) => /\/customers\/[a-d]$/.test(url))).toHaveLength(2)
  })

  it('fail a request that is answered 429 for its Retry-After and a random part, and open no circuit', async () => {
    const throttled = status(429, { 'retry-after': '8' })
    const { flow, flowServer, tenant, circuits } = await start({ flow: throttled })

    const results = await Promise.all(
      ['a', 'b', 'c', 'd'].map((key) => caught(flow.getCustomer(aCall({ tenant, key }), key))),
    )
    const paused = await caught(flow.getCustomer(aCall({ tenant, key: 'e' }), 'e'))

    expect(results).toMatchObject(results.map(() => ({ code: 'target-throttled', status: 429, retryAfterMs: 10_000 })))
    expect(paused).toMatchObject({ code: 'target-throttled', retryAfterMs: 10_000 })
    expect(outcomeOf(paused)).toMatchObject({ kind: 'retry', reason: 'throttled', afterMs: 10_000 })
    expect(flowServer.requests).toHaveLength(4)
    expect(circuits.list()).toMatchObject([{ state: 'closed' }])
  })

  it.each([
    [400, 'target-refused'],
    [401, 'target-failed'],
    [403, 'target-failed'],
    [408, 'target-timeout'],
    [409, 'version-conflict'],
    [413, 'target-refused'],
    [422, 'target-refused'],
    [423, 'target-failed'],
    [425, 'target-failed'],
    [429, 'target-throttled'],
    [302, 'target-failed'],
    [500, 'target-failed'],
    [503, 'target-failed'],
  ])('make of an answer %d the error %s, with nothing of the answer or the id in it', async (code, expected) => {
    const { flow, tenant, logged } = await start({ flow: status(code, { location: '/elsewhere' }) })

    const error = await caught(flow.updateCustomer(aCall({ tenant }), 'kari@example.com', { city: 'Lillehammer' }))

    expect(error).toMatchObject({ code: expected, status: code, unknownEnd: false })
    expect(error.message).toMatch(/^updating a customer in flow: \d{3} /)
    expect(`${error.message}${logged.join('')}`).not.toMatch(/kari|Lillehammer|flow-secret/)
  })

  it.each([502, 504])('do not know the end of a write that a gateway lost (%d)', async (code) => {
    const { flow, tenant } = await start({ flow: status(code) })

    expect(await caught(flow.updateCustomer(aCall({ tenant }), '1', {}))).toMatchObject({ unknownEnd: true })
    expect(await caught(flow.getCustomer(aCall({ tenant }), '1'))).toMatchObject({ unknownEnd: false })
  })

  it('know a record’s own failure by the probe, and count no attempt when it fails too', async () => {
    const { flow, tenant, circuits } = await start({ flow: status(500) })
    const down = await start({
      omnium: (_request, response) => sendJson(response, 500, {}),
      lists: 'as the peer answers',
    })

    expect(await caught(flow.getCustomer(aCall({ tenant }), '1'))).toMatchObject({ outage: false })
    expect(circuits.state('acme', 'flow')).toBe('closed')
    expect(await caught(down.omnium.getCustomer(aCall({ tenant: down.tenant }), 'B2C', '1'))).toMatchObject({
      outage: true,
    })
    expect(down.circuits.state('acme', 'omnium')).toBe('closed')
  })

  it('log a change of a circuit once, and each exchange only for debugging', async () => {
    const { flow, tenant, logged, circuits, time } = await start({ flow: status(401), lists: 'as the peer answers' })

    await caught(flow.getCustomer(aCall({ tenant }), '1'))
    await caught(flow.getCustomer(aCall({ tenant }), '1'))
    await time.advance(0)

    const lines = logged.map((line) => JSON.parse(line))
    expect(lines.filter(({ level }) => level !== 'debug')).toMatchObject([
      { level: 'warn', tenant: 'acme', target: 'flow', state: 'open', cause: 'unauthorized' },
    ])
    expect(circuits.list()[0]).toMatchObject({ cause: 'unauthorized' })
  })

  it('take their share of a tenant’s rate', async () => {
    const { flow, flowServer, tenant, time, setPartitions } = await start({
      flow: served,
      requestsPerSecond: 40,
      shares: { flow: 0.5, omnium: 0.5 },
    })
    setPartitions([0, 1, 2], 6)

    let answered = 0
    const calls = Array.from({ length: 10 }, async () => {
      await flow.getCustomer(aCall({ tenant }), '1')
      answered++
    })
    await time.advance(0)
    // Ten a second, of which a burst of two and a half at once.
    for (let i = 0; i < 20 && flowServer.requests.length < 2; i++) await settle()
    expect(flowServer.requests.length).toBe(2)
    setPartitions([0, 1, 2, 3, 4, 5], 6)
    for (let i = 0; i < 10; i++) {
      await expect.poll(() => flowServer.requests.length - answered).toBe(0)
      await time.advance(100)
    }
    await Promise.all(calls)

    expect(flowServer.requests).toHaveLength(10)
  })

  it('count what was sent, by its status, and show the circuits', async () => {
    const { flow, tenant, metrics } = await start({ flow: status(400) })
    await caught(flow.getCustomer(aCall({ tenant }), '1'))
    const fence = () => {
      throw new SyncError('fenced', 'not ours')
    }
    await caught(flow.getCustomer(aCall({ tenant, fence }), '1'))

    const { text } = await metrics.render()

    expect(text).toContain('sync_target_requests_total{target="flow",operation="get-customer",status="4xx"} 1')
    expect(text).toContain('sync_target_request_seconds_count{target="flow",operation="get-customer"} 1')
    expect(text).toContain('sync_circuit_state{target="flow",tenant="acme"} 0')
    expect(text).toContain('sync_rate_limit_wait_seconds_count{target="flow"} 2')
  })

  it('name themselves', async () => {
    const { flow, flowServer, tenant } = await start({ flow: served })

    await flow.getCustomer(aCall({ tenant }), '1000')

    expect(flowServer.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer flow-secret',
      'user-agent': expect.stringMatching(/^flow-omnium-sync\/\d+\.\d+\.\d+ /),
    })
  })
})
