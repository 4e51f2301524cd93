import { describe, expect, it } from 'vitest'
import { createRetryPasses } from './retry-passes.ts'

const RETRY = 'customer-mapper.retry.v1'

const record = (writtenAt: number, firstSeenAt: number) => ({ partition: 0, writtenAt, firstSeenAt })

describe('a record of the retry topic', () => {
  it.each([
    ['5 s when it is new', 0, 5_000],
    ['as long as it has waited before', 40_000, 40_000],
    ['five minutes at most', 3_600_000, 300_000],
  ])('stays in its place for %s', (_, waitedMs, stayMs) => {
    const passes = createRetryPasses(RETRY)
    const it = record(10_000_000, 10_000_000 - waitedMs)

    expect(passes.mayPass(it, 10_000_000 + stayMs - 1)).toBe(false)
    expect(passes.mayPass(it, 10_000_000 + stayMs)).toBe(true)
  })

  it('passes at once when it was written before its partition came to this process', () => {
    const passes = createRetryPasses(RETRY)
    passes.assigned(0, 1_000_000)

    expect(passes.mayPass(record(999_999, 0), 1_000_000)).toBe(true)
    expect(passes.mayPass(record(1_000_000, 0), 1_000_000)).toBe(false)
  })
})

describe('a record of another tenant in the retry topic', () => {
  it('makes the records before it pass once it is due, and not those that passed for it', () => {
    const passes = createRetryPasses(RETRY)
    passes.passedOn('acme', 900_000)
    passes.written(0, 'bolt', 1_000_000)

    expect(passes.mayPass(record(950_000, 0), 999_999)).toBe(false)
    expect(passes.mayPass(record(950_000, 0), 1_000_000)).toBe(true)
    expect(passes.mayPass(record(1_000_100, 0), 1_000_200)).toBe(false)
  })

  it('does so at most every 30 s, and not in other partitions', () => {
    const passes = createRetryPasses(RETRY)
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
    const passes = createRetryPasses(RETRY)
    passes.passedOn('bolt', 900_000)
    passes.written(0, 'bolt', 1_000_000)

    expect(passes.mayPass(record(950_000, 0), 1_000_000)).toBe(false)
  })
})

describe('a record that another process wrote to the retry topic', () => {
  const given = async () => {
    const passes = createRetryPasses(RETRY)
    passes.assigned(0, 0)
    const write = (count: number, send = async () => {}) =>
      passes
        .counting(send)(
          Array.from({ length: count }, () => ({ topic: RETRY, partition: 0, key: null, value: null, headers: {} })),
        )
        .catch(() => {})
    /** The first look makes the records pass that may have been written before it. */
    await write(10)
    passes.lookedUp(0, 10, 40_000)
    passes.mayPass(record(0, 0), 40_000)
    return { passes, write }
  }
  const isHurried = ({ mayPass }: ReturnType<typeof createRetryPasses>) => mayPass(record(79_999, 0), 80_000)

  it('makes the records before it pass', async () => {
    const { passes } = await given()
    passes.lookedUp(0, 11, 80_000)

    expect(isHurried(passes)).toBe(true)
  })

  it('is told from the records that this process wrote, also from those that are on their way', async () => {
    const { passes, write } = await given()
    await write(5)
    void write(5, () => new Promise(() => {}))
    passes.lookedUp(0, 18, 80_000)

    expect(isHurried(passes)).toBe(false)
  })

  it('is told from the records whose write failed', async () => {
    const { passes, write } = await given()
    await write(5, async () => {
      throw new Error('refused')
    })
    passes.lookedUp(0, 11, 80_000)

    expect(isHurried(passes)).toBe(true)
  })

  it('may be in a log that began anew', async () => {
    const { passes } = await given()
    passes.lookedUp(0, 1, 80_000)

    expect(isHurried(passes)).toBe(true)
  })
})
