import { expect, it } from 'vitest'
import { describeFloods, floodDelays } from './flood-delays.ts'

const START = Date.parse('2026-01-01T00:00:00Z')
const version = (ms: number) => new Date(START + ms).toISOString()
const change = (tenant: string, id: string, ms: number) => ({
  ...{ requestId: null, tenant, id, version: version(ms), at: START + ms },
})
const write = (tenant: string, id: string, versionMs: number, ms: number) => ({
  ...{ requestId: 'r', tenant, id, version: version(versionMs), at: START + ms },
})
const floods = [{ atMs: 10_000, forMs: 1_000, tenants: ['a', 'b'] }]

it('delays are told apart by what happened when the customer changed', () => {
  const changes = [change('a', '1', 1_000), change('a', '2', 10_500), change('c', '3', 10_500)]
  const writes = [write('a', '1', 1_000, 1_010), write('c', '3', 10_500, 10_550), write('a', '2', 10_500, 11_400)]

  expect(floodDelays(changes, writes, floods, START)).toEqual({ calm: [10], flooding: [900], others: [50] })
})

it('the write of a newer version brings the older change too, and the write of an older version does not', () => {
  const changes = [change('c', '3', 10_500), change('c', '3', 10_600)]
  const writes = [write('c', '3', 10_400, 10_650), write('c', '3', 10_600, 10_700), write('c', '3', 10_600, 60_000)]

  expect(floodDelays(changes, writes, floods, START).others).toEqual([200, 100])
})

it('a change without a write, our own write in Flow and a write of the web shop count for nothing', () => {
  const ours = { ...change('c', '4', 10_500), requestId: 'r' }
  const shop = { ...write('c', '5', 10_500, 10_600), requestId: null }
  const changes = [change('c', '3', 10_500), ours, change('c', '5', 10_500)]

  expect(floodDelays(changes, [write('c', '4', 10_500, 10_600), shop], floods, START).others).toEqual([])
})

it('the line says how the other tenants fared, also when there were none', () => {
  const delays = { calm: [10], flooding: [900], others: [] }

  expect(describeFloods(floods, delays)).toMatch(/^floods of 2 tenants\. Delay of the other tenants: no changes\./)
})
