import { createJournal } from '@sync/sandbox/journal'
import { describe, expect, it } from 'vitest'
import { checkOrder } from './check-order.ts'
import type { ClockStep } from './fleet.ts'
import type { StoredRecord } from './records.ts'
import type { System } from './system.ts'

const at = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`
const write = (requestId: string | null, version: string | null, parentVersion: string | null = null) => ({
  ...{ kind: 'write' as const, requestId, tenant: 't', resource: 'PrivateCustomer', operation: 'updated' as const },
  ...{ id: '1', user: 'api', version, parentVersion, fields: [], changed: [] },
})

const verify = (version: string, saidAt = 0, overAt = 60_000, of = 'flow.customers.v1'): StoredRecord => ({
  ...{ topic: 'customer-mapper.retry.v1', partition: 0, offset: 0, at: saidAt, key: 't:1' },
  headers: {
    ...{ 'lane-why': Buffer.from('verify'), 'lane-reason': Buffer.from('unknown-end') },
    ...{ 'lane-topic': Buffer.from(`p.${of}`), 'lane-not-before': Buffer.from(String(overAt)) },
  },
  value: Buffer.concat([Buffer.alloc(5), Buffer.from(JSON.stringify({ version }))]),
})

function checked(
  writes: readonly ReturnType<typeof write>[],
  late: readonly string[] = [],
  lane: readonly StoredRecord[] = [],
  clockSteps: readonly ClockStep[] = [],
) {
  const journal = createJournal(100, () => 50_000)
  for (const each of writes) journal.add(each)
  for (const requestId of late) {
    const request = {
      kind: 'request' as const,
      requestId,
      tenant: 't',
      apiUser: null,
      method: 'POST',
      path: '/',
      status: null,
    }
    journal.add({ ...request, effect: null, fault: 'late' })
  }
  return checkOrder({ omnium: { journal } } as unknown as System, lane, clockSteps).map(({ counted, wrong }) => [
    counted,
    wrong.length,
  ])
}

describe('the order of effects', () => {
  it('is kept by versions that go up, or stay', () => {
    expect(checked([write('a', at(1)), write('b', at(1)), write('c', at(2), at(1)), write('d', null, at(2))])).toEqual([
      [3, 0],
      [2, 0],
    ])
  })

  it('is broken by an older version after a newer one', () => {
    expect(checked([write('a', at(2)), write('b', at(1))])[0]).toEqual([2, 1])
    expect(checked([write('a', null, at(2)), write('b', null, at(1))])[1]).toEqual([2, 1])
    expect(checked([write('a', null, `${at(2)}|p`), write('b', null, `${at(1)}|q`)])[1]).toEqual([2, 1])
  })

  it('says nothing of the version that an Update of a whole company carries, but of the one of a parent', () => {
    const ofCompany = (each: ReturnType<typeof write>) => ({ ...each, resource: 'BusinessCustomer' })
    const patched = { ...ofCompany(write('a', at(2))), operation: 'patched' as const }
    const older = { ...ofCompany(write('c', at(1))), operation: 'patched' as const }

    expect(checked([patched, ofCompany(write('b', at(1)))] as never)[0]).toEqual([1, 0])
    expect(checked([patched, older] as never)[0]).toEqual([2, 1])
    expect(checked([write('a', null, at(2)), write('b', null, at(1))].map(ofCompany))[1]).toEqual([2, 1])
  })

  it('is not ours for a write that the target executed when it had given up answering', () => {
    expect(checked([write('a', at(2)), write('b', at(1))], ['b'])[0]).toEqual([1, 0])
  })

  it('is not ours for a write that we had given up, and said so', () => {
    expect(checked([write('a', at(2)), write('b', at(1))], [], [verify(at(1))])[0]).toEqual([2, 0])
    expect(checked([write('a', at(2)), write('b', at(1))], [], [verify(at(2), 60_000)])[0]).toEqual([2, 1])
  })

  it('is ours again once such a write is over, after it was put off, and for what was given up of another topic', () => {
    const wrongWith = (record: StoredRecord) => checked([write('a', at(2)), write('b', at(1))], [], [record])[0]![1]

    expect(wrongWith(verify(at(1), 0, 49_000))).toBe(1)
    expect(wrongWith(verify(at(1), 0, 51_000))).toBe(0)
    expect(wrongWith(verify(at(1), 0, 51_000, 'company.parent-changes.v1'))).toBe(1)
    const putOff = verify(at(1), 0, 51_000)
    expect(wrongWith({ ...putOff, headers: { ...putOff.headers, 'lane-reason': Buffer.from('circuit-open') } })).toBe(1)
    expect(wrongWith(verify(at(1), 0, 51_000, 'omnium.orders.v1'))).toBe(1)
    const parents = [write('a', null, at(2)), write('b', null, at(1))]
    const relations = verify(at(1), 0, 51_000, 'company.parent-changes.v1')
    expect(checked(parents, [], [relations])[1]).toEqual([2, 0])
  })

  it('is not ours for what a replayed record wrote of Flow’s state, while it may be executed', () => {
    const wrongWith = (...[saidAt, overAt]: number[]) =>
      checked([write('a', at(3)), write('b', at(2))], [], [verify(at(1), saidAt, overAt)])[0]![1]

    expect(wrongWith(48_000, 56_000)).toBe(0)
    expect(wrongWith(48_000, 49_000)).toBe(1)
    expect(wrongWith(53_000, 61_000)).toBe(1)
    const relations = [verify(at(1), 48_000, 56_000, 'company.parent-changes.v1')]
    expect(checked([write('a', at(3)), write('b', at(2))], [], relations)[0]).toEqual([2, 1])
    const parents = [write('a', null, at(3)), write('b', null, at(2))]
    expect(checked(parents, [], [verify(at(1), 48_000, 56_000)])[1]).toEqual([2, 1])
  })

  it('is told by the true time where the clock of a process stepped', () => {
    const step = { service: 'customer-mapper' as const, instance: 0, byMs: -20_000, fromMs: 45_000, toMs: 60_000 }
    const wrongWith = (record: StoredRecord, ...steps: ClockStep[]) =>
      checked([write('a', at(2)), write('b', at(1))], [], [record], steps)[0]![1]
    // Written at 48,000 by a clock that is 20 s behind. The write at 50,000 may still be executed.
    const behind = verify(at(1), 28_000, 36_000)

    expect(wrongWith(behind)).toBe(1)
    expect(wrongWith(behind, step)).toBe(0)
    expect(wrongWith(behind, { ...step, service: 'relation-manager' })).toBe(1)
    expect(wrongWith(behind, { ...step, toMs: 46_000 })).toBe(1)
    expect(wrongWith(behind, { ...step, fromMs: 49_000, toMs: null })).toBe(1)
  })

  it('is nobody’s on the shop floor', () => {
    expect(checked([write('a', at(2)), write(null, at(1))])[0]).toEqual([1, 0])
  })
})
