import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { simulateExchange } from '../testing/simulated-exchange.ts'
import { createPatience } from './patience.ts'
import type { Operation, TargetRequest } from './request.ts'

const DEADLINE_MS = 8_000
const SEEDS = [1, 2, 3]

interface Backlog {
  readonly keys: number
  readonly atOnce: number
}

/** Each key reads and writes at a target that answers every request after `latencyOf` ms. A failed write is tried again. */
async function handle(latencyOf: (operation: Operation, atMs: number) => number, { keys, atOnce }: Backlog) {
  const time = createManualTime(0)
  const { now, schedule } = time
  const { repeatReads, limit } = createPatience({ deadlineMs: DEADLINE_MS, now, schedule, givesUpWrites: true })
  const executingUntil = new Map<string, number>()
  const overlapsAt: number[] = []
  let givenUp = 0
  const base = (request: TargetRequest) => {
    const { key } = request.call
    const tookMs = latencyOf(request.operation, now())
    if (request.operation === 'patch-customer') {
      if ((executingUntil.get(key) ?? 0) > now()) overlapsAt.push(now())
      executingUntil.set(key, now() + tookMs)
    }
    const noAnswer = () => new SyncError('target-timeout', 'asking: no answer')
    return simulateExchange(request, { tookMs, error: null }, { schedule, deadlineMs: DEADLINE_MS, noAnswer })
  }
  const send = repeatReads(limit(base))
  const ask = (operation: Operation, key: string) =>
    send({ target: 'omnium', operation, method: 'GET', baseUrl: '', path: '', call: aCall({ key }) })
  const handleKey = async (key: string): Promise<void> => {
    try {
      await ask('get-customer', key)
      await ask('patch-customer', key)
    } catch (error) {
      if ((error as SyncError).isGivenUp) givenUp++
      await new Promise<void>((resolve) => schedule(resolve, 250))
      return handleKey(key)
    }
  }
  let next = 0
  let running = atOnce
  const work = async () => {
    while (next < keys) await handleKey(`acme:${next++}`)
    running--
  }
  for (let i = 0; i < atOnce; i++) void work()
  for (let turns = 0; turns < 10_000 && running > 0; turns++) await time.advance(100)
  expect(running).toBe(0)
  return { overlapsAt, givenUp }
}

const randomOf = (seed: number) => {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}

describe('a target that answers every request, but late,', { timeout: 60_000 }, () => {
  it.each([
    [400, 400],
    [400, 1_500],
    [600, 2_000],
  ])(
    'because it has become slow (reads %i ms, writes %i ms), executes no two writes of a key at once',
    async (readMs, writeMs) => {
      for (const seed of SEEDS) {
        const random = randomOf(seed)
        const latencyOf = (operation: Operation, atMs: number) =>
          (atMs < 1_500 ? 20 : operation === 'get-customer' ? readMs : writeMs) * (0.7 + 0.6 * random())
        expect(await handle(latencyOf, { keys: 1_000, atOnce: 20 })).toEqual({ overlapsAt: [], givenUp: 0 })
      }
    },
  )

  it.each([
    [0.02, 1_400],
    [0.03, 1_400],
    [0.05, 1_400],
    [0.1, 1_200],
  ])('a share of %f of its requests (%i ms), executes no two writes of a key at once', async (share, tailMs) => {
    for (const seed of SEEDS) {
      const random = randomOf(seed)
      const latencyOf = () => (random() < share ? tailMs : 20 * (0.5 + random()))
      expect(await handle(latencyOf, { keys: 2_000, atOnce: 14 })).toEqual({ overlapsAt: [], givenUp: 0 })
    }
  })

  it('by several seconds now and then, executes no two writes of a key at once any more after the first late answer', async () => {
    const tailMs = 4_000
    const random = randomOf(1)
    const latencyOf = () => (random() < 0.05 ? tailMs : 20 * (0.5 + random()))
    const { overlapsAt } = await handle(latencyOf, { keys: 6_000, atOnce: 14 })
    expect(overlapsAt.filter((at) => at > 2 * tailMs)).toEqual([])
  })
})
