import { describe, expect, it } from 'vitest'
import { createThrottling, spread, waitAfter429 } from './throttling.ts'

const SLOTS = 16
const aThrottling = () => {
  const throttling = createThrottling()
  const answer = (nowMs: number, { sentAtMs = nowMs - 100, isThrottled = false, retryAfterMs = 2_000 } = {}) =>
    throttling.answered({ sentAtMs, nowMs, isThrottled, retryAfterMs }, SLOTS)
  const refuse = (nowMs: number, fields = {}) => answer(nowMs, { isThrottled: true, ...fields })
  return { throttling, answer, refuse }
}

describe('the window', () => {
  it('is no limit until a 429 comes, which halves the slots', () => {
    const { throttling, answer, refuse } = aThrottling()
    answer(1_000)
    expect(throttling.window).toBe(Number.POSITIVE_INFINITY)

    refuse(1_000)

    expect(throttling.window).toBe(8)
  })

  it('is halved once per round trip, however many requests of it are answered 429', () => {
    const { throttling, refuse } = aThrottling()
    for (let i = 0; i < 10; i++) refuse(1_000 + i, { sentAtMs: 900 + i })

    expect(throttling.window).toBe(8)
    refuse(1_200, { sentAtMs: 1_000 })
    expect(throttling.window).toBe(4)
  })

  it('never gets smaller than one slot', () => {
    const { throttling, refuse } = aThrottling()
    for (let i = 0; i < 10; i++) refuse(1_000 * i, { sentAtMs: 1_000 * i })

    expect(throttling.window).toBe(1)
  })

  it('grows by one slot per second while it is full, and is no limit any more at the slots of the process', () => {
    const { throttling, refuse } = aThrottling()
    refuse(1_000)

    const growsAt = [1_000, 1_999, 2_000, 2_500, 3_000].map((atMs) => [throttling.full(SLOTS, atMs), throttling.window])
    for (let atMs = 4_000; atMs <= 9_000; atMs += 1_000) throttling.full(SLOTS, atMs)

    expect(growsAt).toEqual([
      [2_000, 8],
      [2_000, 8],
      [3_000, 9],
      [3_000, 9],
      [4_000, 10],
    ])
    expect(throttling.window).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('a pause of the whole target', () => {
  it('needs that most answers of the last second were 429', () => {
    const { throttling, answer, refuse } = aThrottling()
    for (const atMs of [1_000, 1_100, 1_200]) answer(atMs)
    for (const atMs of [1_300, 1_400, 1_500]) refuse(atMs)
    expect(throttling.pausedUntilMs).toBe(0)

    refuse(1_600)

    expect(throttling.pausedUntilMs).toBe(3_600)
  })

  it('forgets answers that are older than a second', () => {
    const { throttling, answer, refuse } = aThrottling()
    for (let i = 0; i < 50; i++) answer(1_000)
    for (const atMs of [2_001, 2_002, 2_003]) refuse(atMs)

    expect(throttling.pausedUntilMs).toBe(4_003)
  })

  it('is not made by one or two requests, which wait on their own', () => {
    const { throttling, refuse } = aThrottling()
    refuse(1_000)
    refuse(1_001)

    expect(throttling.pausedUntilMs).toBe(0)
  })

  it('lasts until the Retry-After of the last 429', () => {
    const { throttling, refuse } = aThrottling()
    for (const [atMs, retryAfterMs] of [
      [1_000, 60_000],
      [1_001, 60_000],
      [1_002, 30_000],
      [1_003, 1_000],
    ] as const) {
      refuse(atMs, { retryAfterMs })
    }

    expect(throttling.pausedUntilMs).toBe(2_003)
  })
})

describe('the wait of a refused request', () => {
  it.each([
    [2_000, 0, 2_000],
    [2_000, 1, 3_000],
    [0, 0, 500],
    [undefined, 1, 750],
  ])('after a Retry-After of %s ms, at %d of its random part, is %d ms', (retryAfterMs, random, expected) => {
    expect(spread(waitAfter429(retryAfterMs), () => random)).toBe(expected)
  })
})
