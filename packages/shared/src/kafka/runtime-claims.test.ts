import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createLogger } from '../logger.ts'
import { type Given, givenRuntime, settle, TOPIC } from '../testing/given-runtime.ts'
import { refusalText } from './denials.ts'
import type { CommitRequest } from './ports.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const HOUR_MS = 3_600_000
const isClaim = ({ metadata }: CommitRequest) => metadata.startsWith('owned ')

/** A broker that refuses each claim that `refuses`, and the claims that it was asked for. */
async function givenRefusals(given: Given = {}) {
  const lines: string[] = []
  const logger = createLogger({ service: 'test', level: 'warn', destination: { write: (line) => lines.push(line) } })
  const runtime = await givenRuntime({ ...given, overrides: { logger, ...given.overrides } })
  const { source } = runtime
  const broker = { refuses: (_request: CommitRequest) => true, claims: [] as number[] }
  const commit = source.commit
  source.commit = async (offsets) => {
    if (offsets.some(isClaim)) broker.claims.push(Date.now())
    if (offsets.some((each) => isClaim(each) && broker.refuses(each))) {
      throw Object.assign(new Error(refusalText('READ', 'topic', [TOPIC])), {
        type: 'TOPIC_AUTHORIZATION_FAILED',
        refusedTopics: [TOPIC],
      })
    }
    await commit(offsets)
  }
  return { ...runtime, broker, lines }
}

describe('a claim that the broker refuses', () => {
  it('is tried again after waits that grow, and the records are handled once it is taken', async () => {
    const { broker, customer, calls, ends, lines } = await givenRefusals()

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(HOUR_MS)
    const waits = broker.claims.map((at, index) => at - (broker.claims[index - 1] ?? at)).slice(1)
    expect(waits.slice(0, 7)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000])
    expect(broker.claims.length).toBeLessThan(HOUR_MS / 30_000 + 10)
    expect(lines.length).toBe(broker.claims.length)
    expect(calls).toEqual([])

    broker.refuses = () => false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(ends()).toEqual([[0, 'done']])
  })

  it('is reported with its topic, its partition and the reason, from the third refusal until the broker takes it', async () => {
    const { broker, customer, runtime } = await givenRefusals()

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(1_000)
    expect(broker.claims).toHaveLength(2)
    expect(runtime.unclaimed()).toEqual([])
    await vi.advanceTimersByTimeAsync(1_000)
    expect(runtime.unclaimed()).toEqual([
      { partition: 0, topics: [TOPIC], refusals: 3, problem: refusalText('READ', 'topic', [TOPIC]) },
    ])

    broker.refuses = () => false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(runtime.unclaimed()).toEqual([])
  })

  it('is not reported any more once the partition is lost', async () => {
    const { source, customer, runtime } = await givenRefusals()
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(runtime.unclaimed()).toHaveLength(1)

    source.join()
    source.assign([])

    expect(runtime.unclaimed()).toEqual([])
  })

  it('of a partition that was kept through a join is reported too, and no request is sent until the claim is taken', async () => {
    const { source, broker, customer, calls, runtime } = await givenRefusals()
    broker.refuses = () => false
    customer('acme:1', '1 a')
    await settle()

    broker.refuses = () => true
    source.rebalance()
    source.join()
    source.assign([0])
    customer('acme:2', '1 b')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(calls).toHaveLength(1)
    expect(runtime.unclaimed()).toMatchObject([{ partition: 0, topics: [TOPIC] }])

    broker.refuses = () => false
    await vi.advanceTimersByTimeAsync(30_000)
    expect(calls).toHaveLength(2)
    expect(runtime.unclaimed()).toEqual([])
  })

  it('is tried by one loop alone, however many joins follow', async () => {
    const { source, broker, customer } = await givenRefusals()
    broker.refuses = () => false
    customer('acme:1', '1 a')
    await settle()
    broker.refuses = () => true
    for (let joins = 0; joins < 20; joins++) {
      source.rebalance()
      source.join()
      source.assign([0])
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await vi.advanceTimersByTimeAsync(60_000)
    broker.claims.length = 0

    await vi.advanceTimersByTimeAsync(300_000)

    expect(broker.claims).toHaveLength(10)
  })

  it('is not made any more after the release at a stop', async () => {
    const { source, broker, customer, runtime } = await givenRefusals()
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(2_000)
    const left = Promise.withResolvers<void>()
    source.stop = () => left.promise

    const stopped = runtime.stop(1_000)
    broker.refuses = () => false
    await vi.advanceTimersByTimeAsync(60_000)
    left.resolve()
    await stopped

    expect(source.commits.at(-1)?.metadata).toMatch(/^released /)
  })
})

describe('a broker that takes less metadata than the ended ranges need', () => {
  it('gets the claim without them', async () => {
    const given = await givenRuntime({
      commits: [{ topic: TOPIC, partition: 0, offset: 0, metadata: 'released\t1-2' }],
    })
    const { source, customer, calls, runtime } = given
    const commit = source.commit
    source.commit = async (offsets) => {
      if (offsets.some(({ metadata }) => metadata.length > 30))
        throw Object.assign(new Error('too large'), { type: 'OFFSET_METADATA_TOO_LARGE' })
      await commit(offsets)
    }
    await settle()

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(1_000)

    expect(calls).toEqual([['1 a']])
    expect(runtime.unclaimed()).toEqual([])
  })

  it('gets the ids of topics if they fit, also after it has refused two commits with ended ranges at once', async () => {
    const ended = Array.from({ length: 40 }, () => '1-1').join('.')
    const commits = [0, 1].map((partition) => ({
      ...{ topic: TOPIC, partition, offset: 0, metadata: `released two 1\t${ended}\tid-0` },
    }))
    const { source } = await givenRuntime({ commits })
    const { commit } = source
    source.commit = async (offsets) => {
      await Promise.resolve()
      if (offsets.some(({ metadata }) => metadata.length > 100))
        throw Object.assign(new Error('too large'), { type: 'OFFSET_METADATA_TOO_LARGE' })
      await commit(offsets)
    }

    source.assign([0, 1])
    for (const partition of [0, 1]) source.append(TOPIC, partition, [{ key: 'acme:1', value: '1 a' }])
    await vi.advanceTimersByTimeAsync(10_000)

    expect(source.commits.slice(-2).map(({ metadata }) => metadata)).toEqual([
      expect.stringMatching(/^owned one .*\t\tid-0$/),
      expect.stringMatching(/^owned one .*\t\tid-0$/),
    ])
  })
})

describe('the watchdog', () => {
  const watchdogMs = 600_000

  it('gives up a process that cannot claim one partition, also while another partition goes on', async () => {
    const { source, broker, fatal } = await givenRefusals({ limits: { watchdogMs } })
    broker.refuses = ({ partition }) => partition === 1
    source.assign([0, 1])
    await settle()
    source.append(TOPIC, 1, [{ key: 'acme:9', value: '1 a' }])

    for (let ms = 0; ms < 1.2 * watchdogMs; ms += 1_000) {
      source.append(TOPIC, 0, [{ key: 'acme:1', value: `${ms} a` }])
      await vi.advanceTimersByTimeAsync(1_000)
    }

    expect(fatal[0]?.message).toMatch(/^partition 1 cannot be claimed/)
  })

  it('gives up a process whose claims are refused while records wait, and names the partitions', async () => {
    const { customer, fatal } = await givenRefusals({ limits: { watchdogMs } })

    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(watchdogMs)
    expect(fatal).toEqual([])
    await vi.advanceTimersByTimeAsync(watchdogMs / 5)
    expect(fatal[0]?.message).toContain('no record has ended')
    expect(fatal[0]?.message).toContain('partition 0 cannot be claimed')
  })

  it('is quiet while nothing waits in the partitions that cannot be claimed', async () => {
    const { source, broker, customer, fatal, runtime } = await givenRefusals({ limits: { watchdogMs } })
    broker.refuses = () => false
    customer('acme:1', '1 a')
    await vi.advanceTimersByTimeAsync(2_000)
    broker.refuses = () => true
    source.rebalance()
    source.join()
    source.assign([0])

    await vi.advanceTimersByTimeAsync(HOUR_MS)

    expect(runtime.unclaimed()).toHaveLength(1)
    expect(fatal).toEqual([])
  })

  it('is quiet while the broker itself is down, because the claim waits for the broker', async () => {
    const { source, customer, fatal } = await givenRefusals({ limits: { watchdogMs } })
    customer('acme:1', '1 a')
    await settle()

    source.heartbeatAge = Number.POSITIVE_INFINITY
    await vi.advanceTimersByTimeAsync(HOUR_MS)

    expect(fatal).toEqual([])
  })
})
