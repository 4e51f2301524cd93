import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { outcomeOf } from '../failure-outcome.ts'
import type { HttpAnswer, TargetRequest } from '../http/request.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createOmniumCredentials } from './token.ts'

const answerOf = (status: number, body: unknown): HttpAnswer => ({ status, headers: {}, text: JSON.stringify(body) })

const setUp = () => {
  const time = createManualTime()
  const requests: TargetRequest[] = []
  const peer = {
    answer: async (count: number): Promise<HttpAnswer> =>
      answerOf(200, { accessToken: `token-${count}`, tokenType: 'Bearer', expiresIn: 3_600 }),
  }
  const credentials = createOmniumCredentials({
    send: (request) => {
      requests.push(request)
      return peer.answer(requests.length)
    },
    sender: 'customer-mapper',
    ...{ now: time.now, wallNow: time.now, schedule: time.schedule, random: () => 0.5 },
  })
  return { credentials, requests, peer, time, call: aCall() }
}

describe('Omnium’s tokens', () => {
  it('are fetched once for all of a tenant’s calls, by its id and secret', async () => {
    const { credentials, requests, call } = setUp()

    const tokens = await Promise.all(Array.from({ length: 20 }, () => credentials.token(call)))

    expect(new Set(tokens)).toEqual(new Set(['token-1']))
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      method: 'POST',
      path: '/api/token?clientId=a-client&clientSecret=a-client-secret&returnAsJson=true',
    })
  })

  it.each([0, -1, 'soon', null, undefined])('are used although their lifetime is said to be %s', async (expiresIn) => {
    const { credentials, requests, peer, call } = setUp()
    peer.answer = async () => answerOf(200, { accessToken: 'good', expiresIn })

    expect([await credentials.token(call), await credentials.token(call)]).toEqual(['good', 'good'])
    expect(requests).toHaveLength(1)
  })

  it('are each tenant’s own, and fetched anew when its secret changes', async () => {
    const { credentials, requests, call } = setUp()
    const omnium = { baseUrl: 'https://omnium.example', clientId: 'a-client', clientSecret: 'rotated & new' }

    await credentials.token(call)
    await credentials.token(aCall({ tenant: aTenant({ uid: 'other' }) }))
    await credentials.token(aCall({ tenant: aTenant({ omnium }) }))

    expect(requests).toHaveLength(3)
    expect(requests[2]?.path).toContain('clientSecret=rotated+%26+new')
  })

  it('are refreshed ahead of their end without anybody waiting', async () => {
    const { credentials, peer, requests, time, call } = setUp()
    await credentials.token(call)
    const latch = Promise.withResolvers<HttpAnswer>()
    peer.answer = () => latch.promise

    await time.advance(3_300_000)
    const meanwhile = [await credentials.token(call), await credentials.token(call)]
    latch.resolve(answerOf(200, { accessToken: 'fresh', expiresIn: 3_600 }))
    await settle()

    expect(meanwhile).toEqual(['token-1', 'token-1'])
    expect(await credentials.token(call)).toBe('fresh')
    expect(requests).toHaveLength(2)
  })

  it('are used to their end when a refresh fails, which is not repeated at once', async () => {
    const { credentials, peer, requests, time, call } = setUp()
    await credentials.token(call)
    peer.answer = async () => Promise.reject(new SyncError('target-unreachable', 'fetching a token from omnium: x'))

    await time.advance(3_300_000)
    for (let i = 0; i < 5; i++) {
      expect(await credentials.token(call)).toBe('token-1')
      await settle()
    }
    expect(requests).toHaveLength(2)
    await time.advance(300_000)

    await expect(credentials.token(call)).rejects.toMatchObject({ code: 'target-unreachable' })
  })

  it('are fetched anew once for all whose calls were refused', async () => {
    const { credentials, requests, call, time } = setUp()
    const token = await credentials.token(call)

    const renewed = Promise.all(Array.from({ length: 20 }, () => credentials.renew(call, token)))
    await settle()
    expect(requests).toHaveLength(1)
    // The processes that share an API user are refused at the same moment.
    await time.advance(125)
    const fresh = await renewed
    const late = await credentials.renew(call, token)

    expect(new Set([...fresh, late])).toEqual(new Set(['token-2']))
    expect(requests).toHaveLength(2)
  })

  it('are fetched twice a minute at most; the records of further calls wait', async () => {
    const { credentials, requests, call, time } = setUp()
    const first = await credentials.token(call)
    const renewed = credentials.renew(call, first)
    await time.advance(250)
    const second = await renewed

    const third = await credentials.renew(call, second ?? '').catch((error: SyncError) => error)

    expect(third).toMatchObject({ code: 'token-unavailable', target: 'omnium', tenant: 'acme' })
    expect((third as SyncError).retryAfterMs).toBeGreaterThan(60_000)
    expect((third as SyncError).retryAfterMs).toBeLessThan(121_000)
    expect(outcomeOf(third)).toMatchObject({ kind: 'retry', reason: 'token-unavailable' })
    await expect(credentials.token(call)).rejects.toMatchObject({ code: 'token-unavailable' })
    expect(requests).toHaveLength(2)
    await time.advance(121_000)
    expect(await credentials.token(call)).toBe('token-3')
  })

  it('that fail to come use up nothing of the two: after an outage nobody waits for them', async () => {
    const { credentials, peer, requests, call } = setUp()
    peer.answer = async () => answerOf(503, {})
    for (let i = 0; i < 5; i++) await credentials.token(call).catch(() => {})
    peer.answer = async () => answerOf(200, { accessToken: 'after the outage' })

    expect(await credentials.token(call)).toBe('after the outage')
    expect(requests).toHaveLength(6)
  })

  it('are those of the API user of the service, if it has one of its own', async () => {
    const { credentials, requests } = setUp()
    const apiUsers = { 'customer-mapper': { clientId: 'mapper', clientSecret: 'its own', apiUser: 'flow-mapper' } }

    await credentials.token(aCall({ tenant: aTenant({ omnium: { ...aTenant().omnium, apiUsers } }) }))

    expect(requests[0]?.path).toContain('clientId=mapper&clientSecret=its+own')
  })

  it('are not waited for by a call that is aborted, and still come for the others', async () => {
    const { credentials, peer } = setUp()
    const latch = Promise.withResolvers<HttpAnswer>()
    peer.answer = () => latch.promise
    const abort = new AbortController()

    const aborted = credentials.token(aCall({ signal: abort.signal }))
    const other = credentials.token(aCall())
    abort.abort()

    await expect(aborted).rejects.toMatchObject({ code: 'aborted' })
    latch.resolve(answerOf(200, { accessToken: 'mine' }))
    expect(await other).toBe('mine')
  })

  it('fail for each call by an error of its own', async () => {
    const { credentials, peer, call } = setUp()
    peer.answer = async () => answerOf(500, {})

    const failing = [credentials.token(call), credentials.token(call)]
    const errors = await Promise.all(failing.map((one) => one.catch((reason: SyncError) => reason)))

    expect(errors).toMatchObject([{ status: 500 }, { status: 500 }])
    expect(errors[0]).not.toBe(errors[1])
  })

  it.each([
    [400, 'target-unauthorized'],
    [401, 'target-unauthorized'],
    [403, 'target-unauthorized'],
    [404, 'target-failed'],
    [410, 'target-failed'],
    [429, 'target-throttled'],
    [500, 'target-failed'],
    [302, 'target-failed'],
    [200, 'target-failed'],
  ])('are never a record’s fault: %d is %s, without the secret', async (status, code) => {
    const { credentials, peer, call } = setUp()
    peer.answer = async () => answerOf(status, { error: 'a-client-secret is wrong' })

    const error = await credentials.token(call).catch((reason: SyncError) => reason)

    expect(error).toMatchObject({ code, target: 'omnium', tenant: 'acme' })
    expect(`${(error as SyncError).message} ${(error as SyncError).stack}`).not.toContain('a-client-secret')
  })
})
