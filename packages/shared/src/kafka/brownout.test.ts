import { describe, expect, it } from 'vitest'
import { afterBrownout, brownoutWaitMs, noBrownout } from './brownout.ts'

const MINUTE = 60_000
const failedEachMinute = (minutes: number, from = noBrownout()) => {
  let brownout = from
  for (let i = 0; i <= minutes; i++) brownout = afterBrownout(brownout, true, i * MINUTE)
  return brownout
}

describe('a brownout', () => {
  it('is over for a record after an hour of failures', () => {
    expect(failedEachMinute(59)).toMatchObject({ lastedMs: 59 * MINUTE, isOver: false })
    expect(failedEachMinute(60)).toMatchObject({ isOver: true })
  })

  it('goes on in the retry topic with the time that it had lasted', () => {
    expect(failedEachMinute(1, noBrownout(59 * MINUTE))).toMatchObject({ isOver: true })
  })

  it('does not count the time in which the record waited for something else', () => {
    const before = failedEachMinute(30)
    const outage = afterBrownout(before, false, 31 * MINUTE)

    expect(outage).toMatchObject({ lastedMs: 30 * MINUTE, isOver: false })
    expect(afterBrownout(outage, true, 600 * MINUTE)).toMatchObject({ lastedMs: 30 * MINUTE, isOver: false })
  })

  it('counts a long gap as ten minutes, and a clock that steps back as nothing', () => {
    const first = afterBrownout(noBrownout(), true, 100 * MINUTE)

    expect(afterBrownout(first, true, 500 * MINUTE).lastedMs).toBe(10 * MINUTE)
    expect(afterBrownout(first, true, 50 * MINUTE).lastedMs).toBe(0)
  })

  it('is waited for longer the longer it lasts, 15 s at most', () => {
    const waits = [0, 2, 4, 60].map((minutes) => brownoutWaitMs(noBrownout(minutes * MINUTE), () => 1))

    expect(waits).toEqual([400, 6_000, 12_000, 15_000])
    expect(brownoutWaitMs(noBrownout(), () => 0)).toBe(100)
  })
})
