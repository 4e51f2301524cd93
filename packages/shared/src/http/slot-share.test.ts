import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assignPartitions } from '../kafka/assigner.ts'
import type { Sender } from '../senders.ts'
import { patience, runs } from '../testing/runs.ts'
import { DEFAULT_SHARES } from './shares.ts'
import { shareSlots } from './slot-share.ts'

const twelve = Array.from({ length: 12 }, (_, partition) => partition)
/** The slots at each millisecond of a second. */
const overASecond = (share: ReturnType<typeof shareSlots>) =>
  Array.from({ length: 1_000 }, (_, ms) => share.at(ms).slots)
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

describe('the slots of a process', () => {
  it.each([
    [16, 12, 16],
    [9, 12, 9],
    [9, 4, 3],
    [9, 6, 4],
    [7.2, 4, 2],
    [3, 4, 1],
    [0.9999999999999999, 12, 1],
  ])('of %d slots with %d of 12 partitions are %d, at all times', (slots, owned, expected) => {
    const share = shareSlots({ slots, before: 0, own: twelve.slice(0, owned), all: 12 })

    expect(new Set(overASecond(share))).toEqual(new Set([expected]))
    expect(share.at(0).untilMs).toBeNull()
  })

  it('are one slot during a part of the time if its part is below one', () => {
    const share = shareSlots({ slots: 1, before: 0, own: [0, 4, 8], all: 12 })

    const slots = overASecond(share)

    expect(mean(slots)).toBeCloseTo(0.25, 2)
    expect(Math.max(...slots)).toBe(1)
    // The slices lie in the second as the partitions do.
    expect([slots[0], slots[82], slots[84], slots[334], slots[667]]).toEqual([1, 1, 0, 1, 1])
    expect(share.at(0).untilMs).toBe(84)
    expect(share.at(100).untilMs).toBe(334)
  })

  it('are a part of the time of one slot for a service that has less than one', () => {
    const share = shareSlots({ slots: 0.25, before: 0.5, own: twelve, all: 12 })

    const slots = overASecond(share)

    expect(mean(slots)).toBeCloseTo(0.25, 2)
    expect([slots[499], slots[501], slots[748], slots[751]]).toEqual([0, 1, 1, 0])
  })

  it('are one for a process without partitions, whose requests must not wait for ever', () => {
    expect(shareSlots({ slots: 9, before: 0, own: [], all: 12 }).at(0)).toEqual({ slots: 1, untilMs: null })
  })

  it('are never more than the tenant’s, over all processes of all services, and none waits for ever', patience, () => {
    const senders: readonly Sender[] = ['customer-mapper', 'omnium-ingest', 'relation-manager', 'syncctl']
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 24 }),
        fc.array(fc.integer({ min: 1, max: 8 }), { minLength: 3, maxLength: 3 }),
        fc.array(fc.integer({ min: 0, max: 1e6 }), { minLength: 20, maxLength: 20 }),
        (maxInFlight, partitions, instances, times) => {
          let before = 0
          const shares = senders.flatMap((sender, index) => {
            const slots = maxInFlight * DEFAULT_SHARES[sender].omnium
            const members = Array.from({ length: instances[index] ?? 1 }, (_, i) => ({
              memberId: `${sender}${i}`,
              instanceId: `${sender}-${i}`,
            }))
            const owned = sender === 'syncctl' ? [[0]] : [...assignPartitions(members, partitions).values()]
            const all = sender === 'syncctl' ? 1 : partitions
            const ofSender = owned.filter((own) => own.length > 0).map((own) => shareSlots({ slots, before, own, all }))
            before += slots
            return ofSender
          })

          for (const atMs of times) {
            const sum = shares.reduce((all, share) => all + share.at(atMs).slots, 0)
            expect(sum).toBeLessThanOrEqual(maxInFlight)
          }
          for (const share of shares) expect(Math.max(...overASecond(share))).toBeGreaterThanOrEqual(1)
        },
      ),
      runs(60),
    )
  })
})
