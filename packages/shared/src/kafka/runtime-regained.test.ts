import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Given, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

/** A member that has ended the first record of its partition, and has not committed it yet. */
const hasEnded = async (given?: Given) => {
  const runtime = await givenRuntime(given)
  runtime.source.append(TOPIC, 0, [{ key: 'acme:a', value: '1 a' }])
  await settle()
  return runtime
}

describe('a member that gets its partition back', () => {
  it('does not do again what it ended itself, when it was out of the group for a moment that nobody else used', async () => {
    const { source, ends, calls } = await givenRuntime()
    const records = ['a', 'b', 'c'].map((id) => ({ key: `acme:${id}`, value: '1 a' }))
    source.append(TOPIC, 0, records.slice(0, 1))
    await vi.advanceTimersByTimeAsync(2_000)
    source.append(TOPIC, 0, records.slice(1))
    await settle()
    expect(source.committedOffset(TOPIC, 0)).toBe(1)

    source.join()
    source.assign([0], false)
    source.append(TOPIC, 0, [...records.slice(1), { key: 'acme:d', value: '1 new' }], 1)
    await vi.advanceTimersByTimeAsync(2_000)

    expect(calls).toEqual([['1 a'], ['1 a'], ['1 a'], ['1 new']])
    expect(ends().map(([offset]) => offset)).toEqual([0, 1, 2, 3])
    expect(source.committedOffset(TOPIC, 0)).toBe(4)
  })

  it('nor what it had released for a join that another one came into, before its outcomes were told', async () => {
    const outcomes = { add() {}, flush: () => new Promise<void>(() => {}), size: 1 }
    const { source, calls } = await hasEnded({ overrides: { outcomes } })

    source.rebalance()
    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^released /) })
    source.join()
    source.join()
    source.assign([0], false)
    source.append(
      TOPIC,
      0,
      ['a', 'b'].map((id) => ({ key: `acme:${id}`, value: `1 ${id}` })),
      0,
    )
    await settle()

    expect(calls).toEqual([['1 a'], ['1 b']])
  })

  it('nor when it was out twice, the second time before it knew who had it the first time', async () => {
    const { source, calls } = await hasEnded()

    source.join()
    source.assign([0], false)
    source.join()
    source.assign([0], false)
    await settle()
    source.join()
    source.assign([0], false)
    source.append(TOPIC, 0, [{ key: 'acme:a', value: '1 a' }], 0)
    await settle()

    expect(calls).toEqual([['1 a']])
  })

  it('commits what it ended itself before it was out of the group, also when nothing new comes', async () => {
    const { source } = await hasEnded()

    source.join()
    source.assign([0], false)
    source.append(TOPIC, 0, [{ key: 'acme:a', value: '1 a' }], 0)
    await vi.advanceTimersByTimeAsync(2_000)

    expect(source.committedOffset(TOPIC, 0)).toBe(1)
  })

  it.each(['released', 'released other x'])(
    'does again what it ended itself, when another had the partition since (%s)',
    async (metadata) => {
      const { source, calls } = await hasEnded()

      source.join()
      source.assign([], false)
      await source.commit([{ topic: TOPIC, partition: 0, offset: 0, metadata }])
      source.assign([0])
      source.append(TOPIC, 0, [{ key: 'acme:a', value: '1 a' }], 0)
      await settle()

      expect(calls).toEqual([['1 a'], ['1 a']])
    },
  )

  it('does again what it ended itself, when another has claimed but one of the topics since', async () => {
    const { source, calls } = await hasEnded()

    source.join()
    source.assign([], false)
    await source.commit([{ topic: 'customer-mapper.retry.v1', partition: 0, offset: 0, metadata: 'owned other x' }])
    source.assign([0])
    source.append(TOPIC, 0, [{ key: 'acme:a', value: '1 a' }], 0)
    await vi.advanceTimersByTimeAsync(20_001)

    expect(calls).toEqual([['1 a'], ['1 a']])
  })
})
