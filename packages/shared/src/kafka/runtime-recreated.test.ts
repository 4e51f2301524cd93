import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done, retry } from '../outcome.ts'
import { givenRuntime, TOPIC } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const RETRY = 'customer-mapper.retry.v1'
const LOOK_UP_MS = 15_000

describe('a record of the retry topic that waits in memory when the retry topic is created again', () => {
  const verify = {
    key: 'acme:1',
    value: '1 a',
    headers: {
      'lane-why': 'verify',
      'lane-topic': TOPIC,
      'lane-partition': '0',
      'lane-offset': '0',
      'lane-reason': 'unknown-end',
      'lane-not-before': '40000',
    },
  }

  it('is handled when it is due', async () => {
    vi.setSystemTime(0)
    const { source, calls, runtime } = await givenRuntime()
    source.append(RETRY, 0, [verify])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    source.recreate(RETRY, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(source.seeks).toEqual([{ topic: RETRY, partition: 0, offset: 0 }])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(calls).toEqual([['1 a']])
    expect(runtime.status().pending).toBe(0)
  })

  it('is handled also if its partition had a former owner to wait for', async () => {
    vi.setSystemTime(0)
    const ofOther = { topic: TOPIC, partition: 0, offset: 0, metadata: 'owned two 1\t\tid-0' }
    const { source, calls } = await givenRuntime({ commits: [ofOther] })
    source.append(RETRY, 0, [verify])
    await vi.advanceTimersByTimeAsync(1_000)

    source.recreate(RETRY, 0)
    await vi.advanceTimersByTimeAsync(3 * LOOK_UP_MS)

    expect(calls).toEqual([['1 a']])
  })

  it('is tried again until it ends, and nothing is committed of the former retry topic', async () => {
    vi.setSystemTime(0)
    let tries = 0
    const { source, ends } = await givenRuntime({
      answer: async (all) => all.map(() => (++tries < 3 ? retry('target-unavailable') : done())),
    })
    source.append(RETRY, 0, [verify])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.recreate(RETRY, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    const before = source.commits.length

    await vi.advanceTimersByTimeAsync(2 * LOOK_UP_MS)

    expect(ends()).toEqual([[0, 'done']])
    expect(source.commits.slice(before).filter(({ topic, offset }) => topic === RETRY && offset > 0)).toEqual([])
  })
})
