import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SyncError, type Target } from '../errors.ts'
import { aCall, aTenant } from '../testing/builders.ts'
import { createManualTime } from '../testing/manual-time.ts'
import { patience, runs } from '../testing/runs.ts'
import { createSimulatedClients } from '../testing/simulated-clients.ts'
import { unlessAborted } from '../unless-aborted.ts'
import type { Call } from './call.ts'
import type { Send } from './request.ts'

/** What a handler does at its peers. The numbers are requests; `both` sends requests to Flow and Omnium in both slots. */
type Step =
  | { readonly does: 'plain'; readonly target: Target }
  | { readonly does: 'slot'; readonly target: Target; readonly requests: number }
  | { readonly does: 'both'; readonly order: readonly Target[] }

const target = fc.constantFrom<Target>('flow', 'omnium')
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant('plain' as const), target }),
  fc.record({ does: fc.constant('slot' as const), target, requests: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ does: fc.constant('both' as const), order: fc.array(target, { maxLength: 4 }) }),
)
const handler = fc.record({
  startMs: fc.integer({ min: 0, max: 2_000 }),
  isRetryTopic: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 5_000 }), { freq: 4 }),
})
type Ends = keyof typeof STATUS | 'thrown'
const STATUS = { ok: 200, refused: 400, throttled: 429 }
const answer = fc.record({
  latencyMs: fc.integer({ min: 0, max: 300 }),
  ends: fc.constantFrom<Ends>('ok', 'ok', 'ok', 'ok', 'ok', 'refused', 'throttled', 'thrown'),
})
const scenario = fc.record({
  requestsPerSecond: fc.integer({ min: 3, max: 60 }),
  handlers: fc.array(handler, { minLength: 1, maxLength: 25 }),
  answers: fc.array(answer, { minLength: 1, maxLength: 20 }),
})

const STORED = '{"customerUid":"1","customerType":"PERSON","customerId":"1"}'

describe('handlers that need both peers, with one slot of each', () => {
  it(
    'all end, first come, first served in their class, and have one request in flight at each peer',
    async () => {
      await fc.assert(
        fc.asyncProperty(scenario, async ({ requestsPerSecond, handlers, answers }) => {
          const time = createManualTime()
          const inFlight = { flow: 0, omnium: 0 }
          let most = 0
          let sent = 0
          const send: Send = async ({ operation, target: to, call }) => {
            if (operation === 'token') return { status: 200, headers: {}, text: '{"accessToken":"t"}' }
            const { latencyMs, ends } = answers[sent++ % answers.length]!
            inFlight[to]++
            most = Math.max(most, inFlight[to])
            await unlessAborted(new Promise<void>((resolve) => void time.schedule(resolve, latencyMs)), call.signal)
            inFlight[to]--
            if (call.signal.aborted) throw new SyncError('aborted', 'aborted')
            if (ends === 'thrown') throw new Error('a bug')
            return { status: STATUS[ends], headers: {}, text: STORED }
          }
          const { flow, omnium } = createSimulatedClients({ time, send })
          const limit = { requestsPerSecond, maxInFlight: 1 }
          const tenant = aTenant({
            flow: { ...aTenant().flow, ...limit },
            omnium: { ...aTenant().omnium, ...limit },
          })
          const clients = { flow, omnium }
          const requestTo = {
            flow: (c: Call) => flow.getCustomer(c, '1'),
            omnium: (c: Call) => omnium.getCustomer(c, 'B2C', '1'),
          }
          /** By peer and class: when each slot was asked for, in the order in which the slots were given. */
          const askedAt = new Map<string, number[]>()
          const inSlot = (to: Target, call: Call, work: (call: Call) => Promise<void>) => {
            const at = time.now()
            return clients[to].inSlot(call, (held) => {
              const queue = `${to} ${call.isRetryTopic}`
              askedAt.set(queue, [...(askedAt.get(queue) ?? []), at])
              return work(held)
            })
          }
          const run = async (call: Call, each: Step): Promise<void> => {
            if (each.does === 'plain') return void (await requestTo[each.target](call))
            if (each.does === 'slot') {
              return inSlot(each.target, call, async (held) => {
                for (let i = 0; i < each.requests; i++) await requestTo[each.target](held)
              })
            }
            return inSlot('flow', call, async (held) => {
              await requestTo.flow(held)
              await inSlot('omnium', held, async (both) => {
                for (const to of each.order) await inSlotAgain(to, both)
              })
            })
          }
          const inSlotAgain = (to: Target, call: Call) =>
            clients[to].inSlot(call, async (held) => void (await requestTo[to](held)))

          let ended = 0
          for (const [index, { startMs, steps, abortAfterMs, isRetryTopic }] of handlers.entries()) {
            const abort = new AbortController()
            const call = aCall({ tenant, key: `acme:${index}`, signal: abort.signal, isRetryTopic })
            time.schedule(async () => {
              if (abortAfterMs !== null) time.schedule(() => abort.abort(), abortAfterMs)
              for (const each of steps) await run(call, each).catch(() => {})
              ended++
            }, startMs)
          }
          // Every request takes its latency and its token at worst, one after the other.
          const requests = handlers.length * 3 * 6
          await time.advance(2_000 + requests * (300 + 1_000 / requestsPerSecond))

          expect(ended).toBe(handlers.length)
          expect(most).toBeLessThanOrEqual(1)
          for (const times of askedAt.values()) expect(times).toEqual(times.toSorted((a, b) => a - b))
        }),
        runs(60),
      )
    },
    patience.timeout,
  )

  it('may not wait for Flow while they hold the slot of Omnium alone', async () => {
    const time = createManualTime()
    const send: Send = async () => ({ status: 200, headers: {}, text: '{"accessToken":"t"}' })
    const { flow, omnium } = createSimulatedClients({ time, send })

    const wrong = (work: (call: Call) => Promise<unknown>) => omnium.inSlot(aCall(), work)

    await expect(wrong((call) => flow.getCustomer(call, '1'))).rejects.toThrow('take the slot of flow first')
    await expect(wrong((call) => flow.inSlot(call, async () => {}))).rejects.toThrow('take the slot of flow first')
  })
})
