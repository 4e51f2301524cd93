import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../logger.ts'
import { givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const LOOK_UP_MS = 15_000
const values = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `acme:${n}`, value: `${n} a` }))
const claimedTo = (offset: number) => [
  { topic: TOPIC, partition: 0, offset, metadata: '' },
  { topic: 'customer-mapper.retry.v1', partition: 0, offset: 0, metadata: '' },
]

async function given(more: Parameters<typeof givenRuntime>[0] = {}) {
  const lines: Record<string, unknown>[] = []
  const logger = createLogger({
    service: 'test',
    level: 'error',
    destination: { write: (line) => lines.push(JSON.parse(line)) },
  })
  const shortened: string[] = []
  const metrics = { ended() {}, retried() {}, parked() {}, notRemoved() {}, endToEnd() {} }
  const overrides = { logger, metrics: { ...metrics, logShortened: (topic: string) => void shortened.push(topic) } }
  return { ...(await givenRuntime({ ...more, overrides })), lines, shortened }
}

describe('a log that got shorter', () => {
  it('under a running service, as the broker says: all of it is handled, and it is said', async () => {
    const { source, calls, runtime, lines, shortened } = await given()
    source.append(TOPIC, 0, values(50))
    await settle()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(50)

    source.recreate(TOPIC, 0)
    source.outOfRange(TOPIC, 0, 50)
    await settle()
    source.append(TOPIC, 0, values(3))
    await settle()
    await vi.advanceTimersByTimeAsync(2_000)

    expect(calls).toHaveLength(53)
    expect(source.committedOffset(TOPIC, 0)).toBe(3)
    expect(runtime.lag().map(({ records }) => records)).toEqual([0])
    expect(runtime.shorterLogs()).toEqual([{ topic: TOPIC, partition: 0, readTo: 50, endOffset: expect.any(Number) }])
    expect(shortened).toEqual([TOPIC])
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'the log is shorter than what was read of it: all of it is read again'],
    ])
  })

  it('while the service was stopped: all of it is handled', async () => {
    const { source, calls, shortened } = await given({ commits: claimedTo(5_000) })
    source.givesTopicIds = false

    source.recreate(TOPIC, 0)
    source.outOfRange(TOPIC, 0, 5_000)
    source.append(TOPIC, 0, values(100))
    await vi.advanceTimersByTimeAsync(60_000)

    expect(calls).toHaveLength(100)
    expect(source.committedOffset(TOPIC, 0)).toBe(100)
    expect(shortened).toEqual([TOPIC])
  })

  it('a moment before the ids of topics are looked up: the records that were read meanwhile are read again', async () => {
    const { source, calls, shortened } = await given({ commits: claimedTo(5_000) })

    source.recreate(TOPIC, 0)
    source.outOfRange(TOPIC, 0, 5_000)
    source.append(TOPIC, 0, values(100))
    await vi.advanceTimersByTimeAsync(2_000)
    // The records may be of a topic that was deleted since.
    expect(source.committedOffset(TOPIC, 0)).not.toBe(100)
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])
    source.append(TOPIC, 0, values(100), 0)
    await vi.advanceTimersByTimeAsync(60_000)

    expect(new Set(calls.flat()).size).toBe(100)
    expect(source.committedOffset(TOPIC, 0)).toBe(100)
    expect(shortened).toEqual([TOPIC])
  })

  it('which the broker does not say: two look-ups of its end do, and it is read from its first record on', async () => {
    const { source, calls } = await given()
    source.givesTopicIds = false
    source.append(TOPIC, 0, values(50))
    await settle()

    source.recreate(TOPIC, 0)
    source.append(TOPIC, 0, values(3))
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(source.seeks).toEqual([])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])
    source.append(TOPIC, 0, values(3), 0)
    await settle()

    expect(calls).toHaveLength(53)
  })

  it('that was longer again before the member read on, after a join: all of it is handled', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, calls, runtime } = await givenRuntime({
      answer: async (all) => {
        // The record at offset 10 keeps the low-water mark there.
        if (all.some(({ id }) => id === '10')) await gate.promise
        return all.map(() => ({ kind: 'done' }))
      },
      classify: () => ({ group: null, version: '1', targets: ['omnium'] }),
    })
    source.append(TOPIC, 0, values(50))
    await vi.advanceTimersByTimeAsync(2_000)
    expect(source.committedOffset(TOPIC, 0)).toBe(10)
    const before = calls.length

    // The topic is created again, and the member commits its mark once more. 60 records are written before the join has ended.
    source.recreate(TOPIC, 0)
    source.join()
    source.assign([0])
    // The member reads on at its committed offset, which is below the end of the new log.
    const fresh = Array.from({ length: 60 }, (_, n) => ({ key: `acme:new-${n}`, value: `${n} new` }))
    source.append(TOPIC, 0, fresh.slice(10), 10)
    await vi.advanceTimersByTimeAsync(2 * LOOK_UP_MS)
    if (source.seeks.length > 0) source.append(TOPIC, 0, fresh, source.seeks[0]!.offset)
    gate.resolve()
    await vi.advanceTimersByTimeAsync(2_000)

    expect(source.committedOffset(TOPIC, 0)).toBe(60)
    const handled = new Set(calls.slice(before).flat())
    expect(fresh.filter(({ value }) => !handled.has(value)).map(({ value }) => value)).toEqual([])
    expect(runtime.shorterLogs()).not.toEqual([])
  })

  it('which a commit of the former log is left of, as its topic id says: all of it is handled', async () => {
    const ofFormerLog = { topic: TOPIC, partition: 0, offset: 10, metadata: 'released two 1\t\tid-before' }
    const { source, calls, shortened, lines } = await given({ commits: [ofFormerLog] })

    source.append(TOPIC, 0, values(20).slice(10), 10)
    await vi.advanceTimersByTimeAsync(2_000)
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])
    source.append(TOPIC, 0, values(20), 0)
    await vi.advanceTimersByTimeAsync(2_000)

    expect(new Set(calls.flat())).toEqual(new Set(values(20).map(({ value }) => value)))
    expect(source.commits.at(-1)).toMatchObject({
      offset: 20,
      metadata: expect.stringMatching(/^owned one .*\t\tid-0$/),
    })
    expect(shortened).toEqual([TOPIC])
    expect(lines.map(({ level, msg }) => [level, msg])).toEqual([
      ['error', 'the topic was deleted and created again: all of its new log is read'],
    ])
  })

  it('of a topic that was created again with its committed offsets, and that the member has joined for again: it is said', async () => {
    const { source, calls, runtime, lines, shortened } = await given()
    source.append(TOPIC, 0, values(50))
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    source.assign([])
    source.recreate(TOPIC, 0)
    source.commits.splice(0)
    source.assign([0])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.append(TOPIC, 0, values(3))
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(shortened).toEqual([TOPIC])
    expect(runtime.shorterLogs()).toMatchObject([{ topic: TOPIC, partition: 0 }])
    expect(lines.map(({ msg }) => msg)).toEqual(['the topic was deleted and created again: all of its new log is read'])
    expect(calls.length).toBeGreaterThanOrEqual(53)
  })

  it('of a topic that was created again: it is read on after a join where nothing is committed of it yet', async () => {
    const { source, calls } = await given()
    source.append(TOPIC, 0, values(50))
    await vi.advanceTimersByTimeAsync(2_000)
    source.recreate(TOPIC, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.seeks.length = 0

    source.append(TOPIC, 0, values(3))
    source.assign([0])
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: expect.any(Number) }])
    await vi.advanceTimersByTimeAsync(2_000)
    source.assign([0])

    expect(source.seeks).toHaveLength(1)
    expect(calls).toHaveLength(53)
    expect(source.committedOffset(TOPIC, 0)).toBe(3)
  })

  it('of a topic that was created again: waiting records of the former log are dropped, and an end of one is not committed', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, ends, runtime } = await given({
      answer: async (all) => {
        await gate.promise
        return all.map(() => ({ kind: 'done' }))
      },
      limits: { maxInFlight: 1 },
    })
    source.append(TOPIC, 0, values(5))
    await settle()

    source.recreate(TOPIC, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(runtime.status()).toMatchObject({ inFlight: 1, pending: 0 })
    const before = source.commits.length
    gate.resolve()
    await vi.advanceTimersByTimeAsync(2_000)

    expect(ends()).toEqual([[0, 'done']])
    expect(source.commits.slice(before).filter(({ offset }) => offset > 0)).toEqual([])
  })

  it('leaves the records of the former log to be handled', async () => {
    const gate = Promise.withResolvers<void>()
    const { source, ends, runtime } = await givenRuntime({
      answer: async (all) => {
        await gate.promise
        return all.map(() => ({ kind: 'done' }))
      },
    })
    source.append(TOPIC, 0, values(2))
    await settle()

    source.recreate(TOPIC, 0)
    source.outOfRange(TOPIC, 0, 2)
    source.append(TOPIC, 0, [{ key: 'acme:new', value: '1 a' }])
    gate.resolve()
    await settle()

    expect(ends()).toEqual([
      [0, 'done'],
      [1, 'done'],
      [0, 'done'],
    ])
    expect(runtime.status().pending).toBe(0)
  })
})

it('commits go on while the ids of topics cannot be looked up', async () => {
  const { source } = await given()
  source.topicIds = () => Promise.reject(new Error('no broker'))

  source.append(TOPIC, 0, values(5))
  await vi.advanceTimersByTimeAsync(2_000)
  source.topicIds = () => new Promise(() => {})
  source.append(TOPIC, 0, values(5))
  await vi.advanceTimersByTimeAsync(2_000)

  expect(source.committedOffset(TOPIC, 0)).toBe(10)
})

it('a log whose next records were deleted before they were read is no shorter one', async () => {
  const { source, lines, shortened, runtime } = await given({ commits: claimedTo(5) })
  source.append(TOPIC, 0, values(10), 8)

  source.outOfRange(TOPIC, 0, 5)
  source.append(TOPIC, 0, values(10), 8)
  await vi.advanceTimersByTimeAsync(60_000)

  expect(shortened).toEqual([])
  expect(runtime.shorterLogs()).toEqual([])
  expect(lines.map(({ msg }) => msg)).toEqual(['records were deleted before they were read'])
})
