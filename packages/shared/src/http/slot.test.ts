import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { createFakeFlow } from '../testing/fake-flow.ts'
import { createManualTime, settle } from '../testing/manual-time.ts'
import { createRateLimiter } from './rate-limit.ts'
import type { Slot } from './slot.ts'
import { shareSlots } from './slot-share.ts'

const never = new AbortController().signal

const aLimiter = ({ requestsPerSecond = 1, maxInFlight = 1 } = {}) => {
  const time = createManualTime()
  const startedAt = time.now()
  const limiter = createRateLimiter({
    requestsPerSecond,
    slots: shareSlots({ slots: maxInFlight, before: 0, own: [0], all: 1 }),
    ...{ now: time.now, schedule: time.schedule, random: () => 0.5 },
    pausedError: () => new Error('paused'),
  })
  /** The requests that were sent: their names, and after how many ms. */
  const sent: string[] = []
  const send = async (slot: Slot, name: string, { signal = never, takesMs = 0 } = {}) => {
    const turn = await slot.enter(signal)
    sent.push(`${name}${time.now() - startedAt}`)
    if (takesMs > 0) await new Promise<void>((resolve) => time.schedule(resolve, takesMs))
    turn.end()
  }
  const take = (tokens: 1 | 2 = 2, signal = never) => limiter.acquire({ tokens, signal, isRetryTopic: false })
  return { time, take, send, sent }
}

describe('a slot', () => {
  it('holds the rate-limit tokens of a read and of a write, so that nothing waits between them', async () => {
    const { take, send, sent, time } = aLimiter()
    const slot = await take()

    const work = send(slot, 'read', { takesMs: 100 }).then(() => send(slot, 'write'))
    await time.advance(100)
    await work

    expect(sent).toEqual(['read0', 'write100'])
  })

  it('is waited for until both rate-limit tokens are there', async () => {
    const { take, send, sent, time } = aLimiter()
    const first = await take()
    await send(first, 'read')
    await send(first, 'write')
    first.release()

    const second = take().then((slot) => send(slot, 'next'))
    await time.advance(2_000)
    await second

    expect(sent).toEqual(['read0', 'write0', 'next2000'])
  })

  it('gives back the token of a write that was not needed', async () => {
    const { take, send, sent } = aLimiter()
    const first = await take()
    await send(first, 'read')
    first.release()

    const second = await take(1)
    await send(second, 'read')

    expect(sent).toEqual(['read0', 'read0'])
  })

  it('gives back the token of a request that was not sent', async () => {
    const { take, send, sent } = aLimiter()
    const slot = await take()
    const refused = await slot.enter(never)
    refused.giveBack()

    await send(slot, 'read')
    await send(slot, 'write')

    expect(sent).toEqual(['read0', 'write0'])
  })

  it('lets a third request wait for a token alone, ahead of those who wait for a slot', async () => {
    const { take, send, sent, time } = aLimiter()
    const slot = await take()
    const other = take(1).then((granted) => send(granted, 'other'))
    for (const name of ['read', 'write']) await send(slot, name)

    const third = send(slot, 'third').then(() => slot.release())
    await time.advance(3_000)
    await Promise.all([third, other])

    expect(sent).toEqual(['read0', 'write0', 'third1000', 'other2000'])
  })

  it('sends its requests one after the other, also when they are asked for at once', async () => {
    const { take, send, sent, time } = aLimiter()
    const slot = await take()

    const both = Promise.all([send(slot, 'a', { takesMs: 50 }), send(slot, 'b', { takesMs: 50 })])
    await time.advance(100)
    await both

    expect(sent).toEqual(['a0', 'b50'])
  })

  it('stays occupied until the request that is in flight in it has ended', async () => {
    const { take, send, sent, time } = aLimiter({ requestsPerSecond: 100 })
    const slot = await take()
    const late = send(slot, 'late', { takesMs: 300 })
    await settle()
    slot.release()
    slot.release()

    const next = take().then((granted) => send(granted, 'next'))
    await time.advance(300)
    await Promise.all([late, next])

    expect(sent).toEqual(['late0', 'next300'])
  })

  it('sends nothing after it was given back', async () => {
    const { take } = aLimiter()
    const slot = await take()
    slot.release()

    await expect(slot.enter(never)).rejects.toThrow('given back')
  })

  it('is not lost with a request that is aborted while it waits', async () => {
    const { take, send, sent, time } = aLimiter()
    const abort = new AbortController()
    const slot = await take()
    for (const name of ['read', 'write']) await send(slot, name)
    const aborted = send(slot, 'third', { signal: abort.signal })

    abort.abort(new Error('stopping'))
    await expect(aborted).rejects.toThrow('stopping')
    slot.release()
    const next = take(1).then((granted) => send(granted, 'next'))
    await time.advance(1_000)
    await next

    expect(sent).toEqual(['read0', 'write0', 'next1000'])
  })
})

describe('the fakes of the peers', () => {
  it('refuse a request to Flow by a call that holds a slot of Omnium alone, as the clients do', async () => {
    const flow = createFakeFlow()
    const omniumSlot = { enter: () => Promise.reject(new SyncError('aborted', 'not asked')), release() {} }
    const call = aCall({ slots: { omnium: omniumSlot } })

    await expect(flow.getCustomer(call, '1')).rejects.toThrow('slot of flow first')
    await expect(flow.inSlot(call, async () => {})).rejects.toThrow('slot of flow first')
    expect(await flow.inSlot(aCall(), (inSlot) => flow.getCustomer(inSlot, '1'))).toBeNull()
  })
})
