import { describe, expect, it } from 'vitest'
import { SENDERS, type Sender } from '../senders.ts'
import { aTenant } from '../testing/builders.ts'
import { DEFAULT_SHARES, limitsOf } from './shares.ts'

const ofOne = (sender: Sender, tenant = aTenant()) => limitsOf(tenant, 'omnium', sender, DEFAULT_SHARES[sender].omnium)

describe('the limits of a sender', () => {
  it('are its share of the tenant’s, of which all who call a target get what there is', () => {
    const slots = (target: 'flow' | 'omnium') =>
      SENDERS.map((sender) => [sender, limitsOf(aTenant(), target, sender, DEFAULT_SHARES[sender][target]).slots])

    expect(Object.fromEntries(slots('omnium'))).toMatchObject({
      ...{ 'customer-mapper': 9, 'omnium-ingest': 3, 'relation-manager': 3, syncctl: 1 },
    })
    expect(Object.fromEntries(slots('flow'))).toMatchObject({
      ...{ 'flow-ingest': 4, 'customer-mapper': 3, 'relation-manager': 2, syncctl: 1 },
    })
    expect(ofOne('customer-mapper').requestsPerSecond).toBe(45)
  })

  it('lie one after the other, so that senders with less than one slot have it in turns', () => {
    const callers = SENDERS.filter((sender) => DEFAULT_SHARES[sender].omnium > 0.01)
    const tenant = aTenant({ omnium: { ...aTenant().omnium, maxInFlight: 1 } })
    const turns = callers.map((sender) => ofOne(sender, tenant)).toSorted((a, b) => a.before - b.before)

    const ends = turns.map(({ before, slots }) => before + slots)

    expect(turns.map(({ before }) => before)).toEqual([0, ...ends.slice(0, -1)])
    expect(ends.at(-1)).toBe(1)
  })

  it.each([
    ['customer-mapper', 14],
    ['omnium-ingest', 10],
    ['relation-manager', 8],
    ['syncctl', 4],
  ] as const)('are all of its API user’s for %s, with %d in flight', (sender, slots) => {
    const apiUsers = { [sender]: { clientId: 'a', clientSecret: 'b', apiUser: 'c' } }
    const tenant = (fields = {}) => aTenant({ omnium: { ...aTenant().omnium, apiUsers, ...fields } })

    expect(ofOne(sender, tenant())).toEqual({ requestsPerSecond: 80, slots, before: 0 })
    expect(ofOne(sender, tenant({ maxInFlight: 2 })).slots).toBe(2)
    expect(limitsOf(tenant(), 'flow', sender, 0.1)).toMatchObject({ requestsPerSecond: 2, slots: 1 })
  })
})
