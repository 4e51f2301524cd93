import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { done } from '../outcome.ts'
import { createTenants } from '../tenants.ts'
import { aTenant } from '../testing/builders.ts'
import { givenRuntime, TOPIC } from '../testing/given-runtime.ts'
import { createPacedLogs, type PacedLogs } from '../testing/paced-logs.ts'
import { patience, runs } from '../testing/runs.ts'

const BOUND = 200
const BATCH = 20
const LATENCY_MS = 500
const SLOTS = 40

/** A slow target answers late. A target that is down has an open circuit. */
type Trouble = 'slow' | 'down'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const flooded = async (troubles: readonly Trouble[], recordsEach: number, maxDistance: number) => {
  const floods = troubles.map((trouble, index) => ({ uid: `flood${index}`, trouble }))
  const tenants = createTenants([...floods.map(({ uid }) => uid), 'late'].map((uid) => aTenant({ uid })))
  const ended = new Set<string>()
  const troubleOf = new Map(floods.map(({ uid, trouble }) => [uid, trouble]))
  let logs: PacedLogs | undefined
  const given = await givenRuntime({
    limits: { maxPendingRecords: BOUND, maxPendingBytes: 1e9, maxDistance, maxInFlight: SLOTS },
    overrides: { tenants: () => tenants, send: async (messages) => logs?.send(messages) },
    answer: async (all) => {
      const trouble = troubleOf.get(all[0]!.tenant.uid)
      if (trouble === 'slow') await new Promise((resolve) => setTimeout(resolve, LATENCY_MS))
      for (const { key } of all) ended.add(key)
      return all.map(() => done())
    },
  })
  for (const { uid, trouble } of floods) if (trouble === 'down') given.blocked.add(uid)
  let most = 0
  const onRead = () => {
    most = Math.max(most, given.runtime.status().pending)
  }
  logs = createPacedLogs({ source: given.source, recordsPerRead: BATCH, readEveryMs: 50, onRead })
  for (let n = 0; n < recordsEach; n++)
    logs.append(
      TOPIC,
      floods.map(({ uid }) => ({ key: `${uid}:${n}`, value: '1 a' })),
    )
  logs.append(TOPIC, [{ key: 'late:1', value: '1 a' }])
  const keys = [...floods.flatMap(({ uid }) => Array.from({ length: recordsEach }, (_, n) => `${uid}:${n}`)), 'late:1']
  const endTrouble = () => {
    troubleOf.clear()
    for (const { uid } of floods) given.closeCircuit(uid)
  }
  return { ...given, logs, ended, keys, endTrouble, mostPending: () => most }
}

const troubles = (maxLength: number) =>
  fc.array(fc.constantFrom<Trouble>('slow', 'down'), { minLength: 2, maxLength, size: 'max' })

describe('several tenants that flood at once', () => {
  it('do not keep the record of one more tenant from being read and handled, and none is lost', patience, async () => {
    await fc.assert(
      fc.asyncProperty(troubles(20), fc.constantFrom(BOUND, 10_000), async (troubles, maxDistance) => {
        const recordsEach = Math.ceil((3 * BOUND) / troubles.length)
        const { ended, keys, endTrouble, mostPending, runtime } = await flooded(troubles, recordsEach, maxDistance)

        // Reading all of them takes 1.5 s.
        await vi.advanceTimersByTimeAsync(4_000)
        expect(ended).toContain('late:1')

        endTrouble()
        for (let turn = 0; turn < 100 && ended.size < keys.length; turn++) await vi.advanceTimersByTimeAsync(5_000)
        expect(keys.filter((key) => !ended.has(key))).toEqual([])
        expect(mostPending()).toBeLessThan(BOUND + 2 * BATCH)
        await runtime.stop(0)
        vi.clearAllTimers()
      }),
      runs(20),
    )
  })
})
