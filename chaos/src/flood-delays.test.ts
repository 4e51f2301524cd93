import { expect, it } from 'vitest'
import { describeFloods, floodDelays } from './flood-delays.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const write = (tenant: string, id: string, changedMs: number, delayMs: number) => ({
  ...{ requestId: 'r', tenant, resource: 'PrivateCustomer', id },
  version: new Date(START + changedMs).toISOString(),
  at: START + changedMs + delayMs,
})
const floods = [{ atMs: 10_000, forMs: 1_000, tenants: ['a', 'b'] }]

it('delays are told apart by what happened when the customer changed', () => {
  const writes = [write('a', '1', 1_000, 10), write('a', '2', 10_500, 900), write('c', '3', 10_500, 50)]

  expect(floodDelays(writes, floods, START)).toEqual({ calm: [10], flooding: [900], others: [50] })
})

it('a version that is written again counts once, and what the web shop created counts never', () => {
  const again = { ...write('c', '3', 10_500, 50), at: START + 60_000 }
  const shop = { ...write('c', '4', 10_500, 50), requestId: null }

  expect(floodDelays([write('c', '3', 10_500, 50), again, shop], floods, START).others).toEqual([50])
})

it('the line says how the other tenants fared, also when there were none', () => {
  const delays = { calm: [10], flooding: [900], others: [] }

  expect(describeFloods(floods, delays)).toMatch(
    /^1 floods \(of 2 tenants\)\. Delay of the other tenants: no changes\./,
  )
})
