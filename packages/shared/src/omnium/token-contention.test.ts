import { describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { outcomeOf } from '../failure-outcome.ts'
import type { Send } from '../http/request.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { createSimulatedClients } from '../testing/simulated-clients.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

/** Omnium as several processes see it that share one API user. What it says of a token is up to the test. */
const aWorld = (
  processes: number,
  isValid: (token: number, newest: number, ageMs: number) => boolean,
  expiresIn = 3_600,
) => {
  const time = createManualTime()
  let seed = 7
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed / 2_147_483_647
  }
  const issuedAt: number[] = []
  const fetches = Array.from({ length: processes }, (): number[] => [])
  const wait = (ms: number) => new Promise<void>((resolve) => void time.schedule(resolve, ms))
  const sendOf =
    (index: number): Send =>
    async ({ operation, headers }) => {
      await wait(20 + random() * 60)
      if (operation === 'token') {
        fetches[index]!.push(time.now())
        issuedAt.push(time.now())
        const text = JSON.stringify({ accessToken: String(issuedAt.length - 1), expiresIn })
        await wait(10)
        return { status: 200, headers: {}, text }
      }
      const token = Number(headers?.authorization?.split(' ')[1])
      const valid = isValid(token, issuedAt.length - 1, time.now() - issuedAt[token]!)
      return { status: valid ? 200 : 401, headers: {}, text: '{"customerId":"1","result":[]}' }
    }
  const tenant = aTenant()
  const clients = fetches.map((_, index) => createSimulatedClients({ time, random, send: sendOf(index) }))
  let attempts = 0
  /** A record of a process, with its reads and its write: tried again as the runtime would. Resolves with how long it took. */
  const apply = async (index: number, key: string, enteredAt = time.now()): Promise<number> => {
    attempts++
    try {
      for (let i = 0; i < 4; i++) await clients[index]!.omnium.getCustomer(aCall({ tenant, key }), 'B2C', '1')
      return time.now() - enteredAt
    } catch (error) {
      const outcome = outcomeOf(error)
      expect(outcome).toMatchObject({
        kind: 'retry',
        reason: expect.stringMatching(/token-unavailable|circuit-open|target-unavailable/),
      })
      expect(error).toBeInstanceOf(SyncError)
      await wait((outcome?.kind === 'retry' ? outcome.afterMs : undefined) ?? SECOND)
      return apply(index, key, enteredAt)
    }
  }
  const mostInAMinute = () =>
    Math.max(...fetches.flatMap((times) => times.map((at) => times.filter((t) => t >= at && t < at + MINUTE).length)))
  const openCircuits = () =>
    clients.flatMap(({ circuits }) => circuits.list().filter(({ state }) => state !== 'closed'))
  return { time, clients, apply, fetches, mostInAMinute, openCircuits, attempts: () => attempts }
}

describe('an API user of which only the newest token is valid', () => {
  it('serves three services with two instances each: all is applied, with few fetches, and no circuit opens', async () => {
    const { time, apply, fetches, mostInAMinute, openCircuits, attempts } = aWorld(
      6,
      (token, newest) => token === newest,
    )
    const took: number[][] = fetches.map(() => [])
    const opened: unknown[] = []

    for (let i = 0; i < 100; i++) {
      for (const index of fetches.keys()) void apply(index, `acme:${index}-${i}`).then((ms) => took[index]!.push(ms))
      await time.advance(3 * SECOND)
      opened.push(...openCircuits())
    }
    await time.advance(3 * MINUTE)

    expect(took.map(({ length }) => length)).toEqual(fetches.map(() => 100))
    expect(mostInAMinute()).toBeLessThanOrEqual(2)
    expect(opened).toEqual([])
    // Nobody is shut out for long, and nobody asks again and again meanwhile.
    expect(Math.max(...took.flat())).toBeLessThan(3 * MINUTE)
    expect(attempts()).toBeLessThan(6 * 100 * 8)
  })
})

describe('a token', () => {
  it.each([
    ['much longer than it lives', 1e9, 90 * SECOND],
    ['much shorter than it lives', 1, Number.POSITIVE_INFINITY],
    ['below zero', -5, 5 * MINUTE],
  ])('that says to live %s does no harm', async (_what, expiresIn, livesMs) => {
    const { time, apply, mostInAMinute, openCircuits } = aWorld(
      1,
      (_token, _newest, ageMs) => ageMs < livesMs,
      expiresIn,
    )
    const took: number[] = []

    for (let i = 0; i < 100; i++) {
      void apply(0, `acme:${i}`).then((ms) => took.push(ms))
      await time.advance(6 * SECOND)
    }
    await time.advance(MINUTE)

    expect(took).toHaveLength(100)
    expect(Math.max(...took)).toBeLessThan(SECOND)
    expect(mostInAMinute()).toBeLessThanOrEqual(2)
    expect(openCircuits()).toEqual([])
  })

  it('that is refused although it is fresh, again and again, means that the credentials are refused', async () => {
    let isRefused = true
    const { time, apply, mostInAMinute, openCircuits } = aWorld(1, () => !isRefused)
    const applied = apply(0, 'acme:1')
    await time.advance(30 * SECOND)
    expect(openCircuits()).toEqual([])

    await time.advance(3 * MINUTE)
    expect(openCircuits()).toMatchObject([{ state: 'open', cause: 'unauthorized' }])
    expect(mostInAMinute()).toBeLessThanOrEqual(2)

    isRefused = false
    await time.advance(2 * MINUTE)
    expect(await applied).toBeLessThan(6 * MINUTE)
    expect(openCircuits()).toEqual([])
  })
})
