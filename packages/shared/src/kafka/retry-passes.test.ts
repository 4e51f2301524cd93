import { describe, expect, it } from 'vitest'
import { createRetryPasses } from './retry-passes.ts'

const record = (writtenAt: number, firstSeenAt: number) => ({ partition: 0, writtenAt, firstSeenAt })

describe('a record of the retry topic', () => {
  it.each([
    ['5 s when it is new', 0, 5_000],
    ['as long as it has waited before', 40_000, 40_000],
    ['five minutes at most', 3_600_000, 300_000],
  ])('stays in its place for %s', (_, waitedMs, stayMs) => {
    const passes = createRetryPasses()
    const it = record(10_000_000, 10_000_000 - waitedMs)

    expect(passes.mayPass(it, 10_000_000 + stayMs - 1)).toBe(false)
    expect(passes.mayPass(it, 10_000_000 + stayMs)).toBe(true)
  })

  it('passes at once when it was written before its partition came to this process', () => {
    const passes = createRetryPasses()
    passes.assigned(0, 1_000_000)

    expect(passes.mayPass(record(999_999, 0), 1_000_000)).toBe(true)
    expect(passes.mayPass(record(1_000_000, 0), 1_000_000)).toBe(false)
  })
})

describe('a record of another tenant in the retry topic', () => {
  it('makes the records before it pass once it is due, and not those that passed for it', () => {
    const passes = createRetryPasses()
    passes.passedOn('acme', 900_000)
    passes.written(0, 'bolt', 1_000_000)

    expect(passes.mayPass(record(950_000, 0), 999_999)).toBe(false)
    expect(passes.mayPass(record(950_000, 0), 1_000_000)).toBe(true)
    expect(passes.mayPass(record(1_000_100, 0), 1_000_200)).toBe(false)
  })

  it('does so at most every 30 s, and not in other partitions', () => {
    const passes = createRetryPasses()
    for (const dueAt of [1_000_000, 1_010_000]) {
      passes.written(0, 'bolt', dueAt)
      passes.mayPass(record(dueAt, 0), dueAt)
    }
    const passed = record(1_005_000, 0)

    expect(passes.mayPass(passed, 1_029_999)).toBe(false)
    expect(passes.mayPass(passed, 1_030_000)).toBe(true)
    expect(passes.mayPass({ ...passed, partition: 1 }, 1_030_000)).toBe(false)
  })

  it('does not do so when its tenant has many records there itself', () => {
    const passes = createRetryPasses()
    passes.passedOn('bolt', 900_000)
    passes.written(0, 'bolt', 1_000_000)

    expect(passes.mayPass(record(950_000, 0), 1_000_000)).toBe(false)
  })
})
