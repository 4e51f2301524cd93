import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../logger.ts'
import { done, retry } from '../outcome.ts'
import { type Given, givenRuntime, TOPIC } from '../testing/given-runtime.ts'
import type { CommitRequest } from './ports.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const RETRY = 'customer-mapper.retry.v1'
const LOOK_UP_MS = 15_000

describe('a member whose look-up of the committed offsets fails', () => {
  const values = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `acme:${n}`, value: `${n} a` }))
  /** A member that knows the id of the new topic. It gains the partition again, whose committed offset is of the former log. */
  const given = async (isFailing: () => boolean, more: Given = {}) => {
    const runtime = await givenRuntime(more)
    const { source } = runtime
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.assign([])
    source.recreate(TOPIC, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.commits.push({ topic: TOPIC, partition: 0, offset: 10, metadata: 'released two 1\t\tid-0' })
    const { committed } = source
    source.committed = (topics) => (isFailing() ? Promise.reject(new Error('no coordinator')) : committed(topics))
    source.assign([0])
    return runtime
  }

  it('looks them up again, and reads all of a log that the offsets do not belong to', async () => {
    let failures = 2
    const { source, calls } = await given(() => failures-- > 0)
    source.append(TOPIC, 0, values(20).slice(10), 10)

    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])
    source.append(TOPIC, 0, values(20), 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(new Set(calls.flat())).toEqual(new Set(values(20).map(({ value }) => value)))
    expect(source.commits.at(-1)).toMatchObject({ offset: 20, metadata: expect.stringMatching(/^owned .*\t\tid-1$/) })
  })

  it('also finds that log after the first claim, as long as no record of the topic was read', async () => {
    let isFailing = true
    const { source } = await given(() => isFailing)
    source.append(RETRY, 0, [{ key: 'acme:1', value: '1 a' }])
    await vi.advanceTimersByTimeAsync(2 * LOOK_UP_MS)
    expect(source.seeks).toEqual([])

    isFailing = false
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])
  })

  it('waits no longer than for a former owner, and commits then', async () => {
    const { source, calls } = await given(() => true)
    source.append(TOPIC, 0, values(20).slice(10), 10)

    await vi.advanceTimersByTimeAsync(22_000)

    expect(calls).toHaveLength(10)
    expect(source.committedOffset(TOPIC, 0)).toBe(20)
  })

  it('looks them up no more once the partition is lost or the member has stopped', async () => {
    const { source, runtime } = await given(() => true)
    await vi.advanceTimersByTimeAsync(5_000)
    let lookUps = 0
    source.committed = async () => {
      lookUps++
      throw new Error('no coordinator')
    }
    await vi.advanceTimersByTimeAsync(5_000)
    expect(lookUps).toBeGreaterThan(0)
    expect(lookUps).toBeLessThanOrEqual(5)

    source.assign([])
    lookUps = 0
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    expect(lookUps).toBe(0)
    source.assign([0])
    const stopped = runtime.stop(1_000)
    await vi.advanceTimersByTimeAsync(10_000)
    await stopped
    lookUps = 0
    await vi.advanceTimersByTimeAsync(10 * LOOK_UP_MS)
    expect(lookUps).toBe(0)
  })
})

describe('the claim of a partition whose topic was created again', () => {
  const values = (count: number) => Array.from({ length: count }, (_, n) => ({ key: `acme:${n}`, value: `${n} a` }))
  const isClaim = ({ metadata }: CommitRequest) => metadata.startsWith('owned one ')

  it('is committed before a record is handled, also if the only commit was of the former log', async () => {
    let claimsAtFirstCall: number | null = null
    const given = await givenRuntime({
      commits: [{ topic: TOPIC, partition: 0, offset: 10, metadata: 'owned two 1\t\tid-before' }],
      answer: async (all) => {
        claimsAtFirstCall ??= given.source.commits.filter(isClaim).length
        return all.map(() => done())
      },
    })
    const { source } = given
    source.append(TOPIC, 0, values(20).slice(10), 10)
    await vi.advanceTimersByTimeAsync(25_000)
    expect(source.seeks).toEqual([{ topic: TOPIC, partition: 0, offset: 0 }])

    source.append(TOPIC, 0, values(20), 0)
    await vi.advanceTimersByTimeAsync(2_000)

    expect(claimsAtFirstCall).toBeGreaterThan(0)
    expect(source.committedOffset(TOPIC, 0)).toBe(20)
  })

  it('is committed again at once if Kafka has deleted it with the commits of the topic, and is released at the stop', async () => {
    const { source, runtime } = await givenRuntime()
    source.append(TOPIC, 0, values(5))
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS - 1_000)

    source.recreate(TOPIC, 0)
    source.commits.splice(0)
    await vi.advanceTimersByTimeAsync(3_000)
    expect(source.commits).toEqual([
      { topic: TOPIC, partition: 0, offset: 0, metadata: expect.stringMatching(/^owned one .*\t\tid-1$/) },
    ])
    const stopped = runtime.stop(1_000)
    await vi.advanceTimersByTimeAsync(10_000)
    await stopped

    expect(source.commits.at(-1)).toMatchObject({ offset: 0, metadata: expect.stringMatching(/^released one .*id-1$/) })
  })

  it('is tried again with the next commit if the broker does not take it', async () => {
    const { source } = await givenRuntime()
    source.append(TOPIC, 0, values(5))
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS - 1_000)
    const { commit } = source
    let refusals = 0
    source.commit = async (requests) => {
      if (requests.some(({ metadata }) => metadata.endsWith('id-1')) && ++refusals < 3)
        throw new Error('no coordinator')
      await commit(requests)
    }

    source.recreate(TOPIC, 0)
    source.commits.splice(0)
    await vi.advanceTimersByTimeAsync(10_000)

    expect(refusals).toBe(3)
    expect(source.commits).toHaveLength(1)
  })
})

describe('the loss of a topic that was created again', () => {
  const given = async () => {
    const [shortened, lines]: [string[], string[]] = [[], []]
    const write = (line: string) => void lines.push(JSON.parse(line).msg)
    const logger = createLogger({ service: 'test', level: 'error', destination: { write } })
    const metrics = { ended() {}, retried() {}, parked() {}, notRemoved() {}, endToEnd() {} }
    const overrides = { logger, metrics: { ...metrics, logShortened: (topic: string) => void shortened.push(topic) } }
    const runtime = await givenRuntime({ overrides })
    runtime.source.append(TOPIC, 0, [{ key: 'acme:1', value: '1 a' }])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    runtime.source.recreate(TOPIC, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    return { ...runtime, shortened, lines }
  }

  it('is reported once, also if a fetch behind the end of the new log is answered afterwards', async () => {
    const { source, calls, shortened, lines } = await given()

    source.outOfRange(TOPIC, 0, 1)
    source.append(TOPIC, 0, [{ key: 'acme:2', value: '1 b' }])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(shortened).toEqual([TOPIC])
    expect(lines).toEqual(['the topic was deleted and created again: all of its new log is read'])
    expect(calls).toEqual([['1 a'], ['1 b']])
  })

  it('is reported again if the new log loses records that were not read', async () => {
    const { source, lines } = await given()

    source.outOfRange(TOPIC, 0, 0)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(lines).toHaveLength(2)
  })

  it('is reported again if the topic is created once more', async () => {
    const { source, shortened } = await given()
    source.append(TOPIC, 0, [{ key: 'acme:2', value: '1 b' }])
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    source.recreate(TOPIC, 0)
    source.outOfRange(TOPIC, 0, 1)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)

    expect(shortened).toEqual([TOPIC, TOPIC])
  })
})

describe('the record of a customer who also waits in the former log', () => {
  it.each([
    ['whose topic has another id', true, false],
    ['whose topic has another id, and whose end is found first', true, true],
    ['whose topic has no id', false, true],
  ])('is handled in the new log %s', async (_what, givesTopicIds, isOutOfRange) => {
    const { source, customer, calls, blocked, closeCircuit, runtime } = await givenRuntime({
      classify: () => ({ group: 'customer', version: '2026-01-01T00:00:00Z', targets: ['omnium'] }),
    })
    source.givesTopicIds = givesTopicIds
    customer('acme:9', ...Array.from({ length: 50 }, () => 'x'))
    await vi.advanceTimersByTimeAsync(3_000)
    blocked.add('acme')
    customer('acme:1', 'former log')
    await vi.advanceTimersByTimeAsync(3_000)

    source.recreate(TOPIC, 0)
    if (isOutOfRange) source.outOfRange(TOPIC, 0, 51)
    await vi.advanceTimersByTimeAsync(LOOK_UP_MS)
    source.append(TOPIC, 0, [{ key: 'acme:1', value: 'new log' }], 0)
    await vi.advanceTimersByTimeAsync(3_000)
    closeCircuit('acme')
    await vi.advanceTimersByTimeAsync(60_000)

    expect(calls.flat().at(-1)).toBe('new log')
    expect(calls.flat()).not.toContain('former log')
    expect(runtime.status().pending).toBe(0)
  })
})

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
