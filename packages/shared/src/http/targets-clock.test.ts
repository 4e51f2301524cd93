import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { type Answer, sendJson } from '../testing/http-server.ts'
import { liveTargetsOfEachTest } from '../testing/live-targets.ts'
import { settle } from '../testing/manual-time.ts'

const HOUR_MS = 3_600_000
const start = liveTargetsOfEachTest()
const served: Answer = ({ url }, response) =>
  sendJson(
    response,
    200,
    url.includes('pageSize=')
      ? { items: [], paging: {} }
      : { customerUid: url.split('/').at(-1), customerType: 'PERSON' },
  )

describe.each([
  ['back', -HOUR_MS],
  ['forward', HOUR_MS],
])('a wall clock that steps an hour %s', (_direction, stepMs) => {
  it('neither delays a request nor sends a request before its turn', async () => {
    const { flow, flowServer, tenant, time, clock } = await start({ flow: served, requestsPerSecond: 1 })
    const get = (id: string) => flow.getCustomer(aCall({ tenant, key: id }), id)
    await Promise.all([get('a'), get('b')])
    const waiting = [get('c'), get('d'), get('e')]
    await settle()

    clock.stepMs = stepMs
    await time.advance(1_000)
    await waiting[0]
    expect(flowServer.requests).toHaveLength(3)
    await time.advance(1_000)
    await waiting[1]

    expect(flowServer.requests).toHaveLength(4)
    await time.advance(1_000)
    await waiting[2]
  })

  it('does not change when the probe of an open circuit is sent, and its times are reported by the wall clock', async () => {
    let isRefused = true
    const flow: Answer = (request, response, socket) =>
      isRefused ? sendJson(response, 401, {}) : served(request, response, socket)
    const { flow: client, circuits, tenant, time, clock } = await start({ flow, lists: 'as the peer answers' })
    for (const id of ['a', 'b', 'c']) await client.getCustomer(aCall({ tenant, key: id }), id).catch(() => {})
    expect(circuits.list()).toMatchObject([{ target: 'flow', state: 'open' }])
    const [before] = circuits.list()
    const waitMs = before!.retryAtMs! - time.now()

    clock.stepMs = stepMs
    const wallMs = time.now() + stepMs
    expect(circuits.list()[0]).toMatchObject({ sinceMs: before!.sinceMs + stepMs, retryAtMs: wallMs + waitMs })
    isRefused = false
    await time.advance(waitMs + 1)

    await expect.poll(() => circuits.state(tenant.uid, 'flow')).not.toBe('open')
  })

  it('does not end a token before its time', async () => {
    const { omnium, omniumServer, tenant, clock } = await start({
      token: (_request, response) => sendJson(response, 200, { accessToken: 'a', expiresIn: 1_800 }),
    })
    const get = () => omnium.getCustomer(aCall({ tenant }), 'B2C', '1000').catch(() => {})
    await get()

    clock.stepMs = stepMs
    await get()

    expect(omniumServer.requests.filter(({ url }) => url.startsWith('/api/token'))).toHaveLength(1)
  })
})

it('a Retry-After that is a date is read by the wall clock', async () => {
  const { flow, tenant, time, clock } = await start({
    flow: (_request, response) =>
      sendJson(response, 429, {}, { 'retry-after': new Date(time.now() + clock.stepMs + 20_000).toUTCString() }),
  })
  clock.stepMs = -HOUR_MS

  const error = await flow.getCustomer(aCall({ tenant }), '1000').catch((failure: unknown) => failure)

  expect(error).toBeInstanceOf(SyncError)
  // Up to half of it more.
  expect((error as SyncError).retryAfterMs).toBeGreaterThanOrEqual(19_000)
  expect((error as SyncError).retryAfterMs).toBeLessThanOrEqual(30_000)
})
