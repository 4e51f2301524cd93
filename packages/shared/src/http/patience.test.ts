import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { createPatience } from './patience.ts'
import type { HttpAnswer, Operation, TargetRequest } from './request.ts'

const DEADLINE_MS = 10_000

/** A target that answers each request after the ms that `took` says, or leaves it without an answer (null). */
const given = (took: (sent: number) => number | null, givesUpWrites = true) => {
  let nowMs = 0
  const waits: number[] = []
  const { repeatReads, limit } = createPatience({ deadlineMs: DEADLINE_MS, now: () => nowMs, givesUpWrites })
  const answer = async ({ deadlineMs = 0 }: TargetRequest): Promise<HttpAnswer> => {
    const tookMs = took(waits.length) ?? Number.POSITIVE_INFINITY
    waits.push(deadlineMs)
    nowMs += Math.min(tookMs, deadlineMs)
    if (tookMs > deadlineMs) throw new SyncError('target-timeout', 'asking: no answer')
    return { status: 200, headers: {}, text: '' }
  }
  const layers = repeatReads(limit(answer))
  const send = (operation: Operation, key = 'acme:1') =>
    layers({ target: 'omnium', operation, method: 'GET', baseUrl: '', path: '', call: aCall({ key }) }).then(
      ({ status }) => status,
      (error: SyncError) => (error.isGivenUp ? 'given up' : error.code),
    )
  return { send, waits }
}
const hasAnswered = (sent: number) => sent === 0

describe('patience with a read', () => {
  it('waits a few times as long as answers take, and sends the read again twice', async () => {
    const { send, waits } = given((sent) => (hasAnswered(sent) ? 200 : null))
    await send('get-customer')

    expect(await send('get-customer')).toBe('target-timeout')

    expect(waits.slice(1)).toEqual([600, 1_200, 2_400])
  })

  it('is answered by the second try when the first one was lost', async () => {
    const { send, waits } = given((sent) => (sent === 1 ? null : 20))
    await send('get-customer')

    expect(await send('get-customer')).toBe(200)
    expect(waits).toHaveLength(3)
  })

  it('reaches the deadline when answers take longer than ever', async () => {
    const { send, waits } = given((sent) => (hasAnswered(sent) ? 20 : 9_000))
    await send('get-customer')

    let result: unknown
    for (let i = 0; i < 5 && result !== 200; i++) result = await send('get-customer')

    expect(result).toBe(200)
    expect(waits.at(-1)).toBe(DEADLINE_MS)
    expect(await send('get-customer')).toBe(200)
    expect(waits.at(-1)).toBe(DEADLINE_MS)
  })
})

describe('patience with a write', () => {
  it('waits a few times as long as answers take, and never sends the write again', async () => {
    const { send, waits } = given((sent) => (sent < 20 ? 200 : null))
    for (let i = 0; i < 20; i++) await send('patch-customer', `acme:${i}`)

    expect(await send('patch-customer', 'acme:20')).toBe('given up')

    expect(waits.slice(20)).toEqual([800])
  })

  it('waits longer for each further write of the key, up to the deadline, until a write of the key is answered', async () => {
    let isSlow = true
    const { send, waits } = given((sent) => (isSlow && sent % 2 === 1 ? null : 20))
    const ofKey: unknown[] = []
    for (let i = 0; i < 20 && ofKey.at(-1) !== 'target-timeout'; i++) {
      await send('patch-customer', `acme:other-${i}`)
      ofKey.push(await send('patch-customer', 'acme:slow'))
    }
    isSlow = false
    await send('patch-customer', 'acme:slow')
    await send('patch-customer', 'acme:slow')

    expect(ofKey.slice(0, -1)).toEqual(ofKey.slice(1).map(() => 'given up'))
    const waitsOfKey = waits.slice(0, 2 * ofKey.length).filter((_, sent) => sent % 2 === 1)
    expect(waitsOfKey.slice(0, 4)).toEqual([500, 500, 625, 781.25])
    expect(waitsOfKey.at(-1)).toBe(DEADLINE_MS)
    expect(waits.at(-1)).toBe(500)
  })

  it('waits until the deadline where writes are not given up', async () => {
    const { send, waits } = given((sent) => (sent < 20 ? 20 : null), false)
    for (let i = 0; i < 20; i++) await send('patch-customer', `acme:${i}`)

    expect(await send('patch-customer', 'acme:20')).toBe('target-timeout')

    expect(waits.slice(20)).toEqual([DEADLINE_MS])
  })
})

describe('patience with an overloaded target', () => {
  it('gives up few answers early until answers come', async () => {
    let isOverloaded = true
    const { send, waits } = given((sent) => (hasAnswered(sent) || !isOverloaded ? 20 : null))
    await send('get-customer')

    for (let i = 0; i < 20; i++) await send('get-customer', `acme:${i}`)
    expect(waits.slice(-20).every((waitMs) => waitMs === DEADLINE_MS)).toBe(true)
    isOverloaded = false
    for (let i = 0; i < 5; i++) await send('get-customer', `acme:${100 + i}`)

    expect(waits.at(-1)).toBeLessThan(DEADLINE_MS)
  })
})
