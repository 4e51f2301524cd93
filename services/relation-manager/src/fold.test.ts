import type { ChildChanged, ParentObserved } from '@sync/shared/contracts/parent-change'
import { planKey } from '@sync/shared/kafka/plan'
import { aDelivery, anOmniumCustomer, type DeliveryFields } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { classify, compareParent, differsFromNote, fold, isChildOf, isPending } from './fold.ts'

const V1 = '2026-01-01T10:00:00.000Z'
const V2 = '2026-01-01T11:00:00.000Z'
const V3 = '2026-01-01T12:00:00.000Z'

const observed = (fields: Partial<ParentObserved> = {}, delivery: DeliveryFields = {}) =>
  aDelivery(
    'company.parent-changes.v1',
    {
      type: 'parent-observed',
      tenant: 'acme',
      company: 'C',
      parent: 'B',
      version: V2,
      repair: false,
      notifiedAt: V2,
      ...fields,
    },
    { id: 'C', ...delivery },
  )
const changed = (fields: Partial<ChildChanged> = {}, delivery: DeliveryFields = {}) =>
  aDelivery(
    'company.parent-changes.v1',
    { type: 'child-changed', tenant: 'acme', parent: 'P', child: 'C', to: 'P', version: V2, notifiedAt: V2, ...fields },
    { id: 'P', ...delivery },
  )
const survivors = (deliveries: readonly ReturnType<typeof observed>[]) =>
  planKey(
    deliveries.map((delivery) => ({
      record: { origin: { ...delivery.origin, offset: Number(delivery.origin.offset) } },
      classified: classify(delivery),
    })),
  ).leads.map(({ record }) => record.origin.offset)

describe('which record supersedes which', () => {
  test('the newest observation of a parent, whatever came last', () => {
    expect(survivors([observed({ version: V3 }, { offset: 1n }), observed({ version: V2 }, { offset: 2n })])).toEqual([
      1,
    ])
  })

  test('the last announcement of a child, whatever its version: the attempt that it belongs to came last', () => {
    expect(survivors([changed({ version: V3 }, { offset: 1n }), changed({ version: V2 }, { offset: 2n })])).toEqual([2])
  })

  test('never an announcement of another child, nor one of another kind', () => {
    const deliveries = [
      changed({ child: 'C1' }, { offset: 1n }),
      changed({ child: 'C2' }, { offset: 2n }),
      observed({}, { offset: 3n }),
    ]

    expect(survivors(deliveries)).toEqual([1, 2, 3])
  })

  test('never a verify: what is newer may be done with before the late execution that it looks for', () => {
    expect(
      survivors([observed({ version: V2 }, { offset: 1n, lane: 'verify' }), observed({ version: V3 }, { offset: 2n })]),
    ).toEqual([1, 2])
  })

  test('only a lane record of a parent waits for the circuit of Flow', () => {
    expect(classify(observed())).toMatchObject({ targets: ['omnium'] })
    expect(classify(observed({}, { lane: 'redriven' }))).toMatchObject({ targets: ['omnium', 'flow'] })
    expect(classify(changed({}, { lane: 'redriven' }))).toMatchObject({ targets: ['omnium'] })
  })

  test('a tombstone ends', () => {
    expect(classify(aDelivery('company.parent-changes.v1', null))).toEqual({
      end: { kind: 'skipped', reason: 'ignored' },
    })
  })

  test('a repair says so', () => {
    expect(classify(observed({ repair: true }))).toMatchObject({ repair: true })
  })
})

describe('folding', () => {
  test('the newest observation stands for the older ones, with their doubts', () => {
    const verify = observed({ version: V1 }, { lane: 'verify' })
    const newest = observed({ version: V3 })
    const child = changed()

    const { observed: lead, children } = fold([verify, newest, child])

    expect(lead).toMatchObject({ delivery: newest, older: [verify], asksFlow: true, doubtsParent: true })
    expect(children.map(({ delivery }) => delivery)).toEqual([child])
  })

  test('a live record by itself is taken at its word', () => {
    expect(fold([observed()]).observed).toMatchObject({ asksFlow: false, doubtsParent: false, older: [] })
    expect(fold([observed({ repair: true })]).observed).toMatchObject({ asksFlow: false, doubtsParent: true })
  })
})

const company = (parent: string | null, version: string | null) =>
  anOmniumCustomer({
    customerId: 'C',
    customerRelations: parent === null ? [] : [{ customerId: parent, customerType: 'B2B', relationType: 'Parent' }],
    properties: version === null ? [] : [{ key: 'flowParentVersion', value: version }],
  })

test.each([
  ['A', V3, 'B', V2, 'stale'],
  ['B', V3, 'B', V2, 'stale'],
  ['B', V1, 'B', V2, 'unchanged'],
  ['B', V2, 'B', V2, 'unchanged'],
  ['A', V2, 'B', V2, 'again'],
  ['A', V1, 'B', V2, 'change'],
  ['A', null, 'B', V2, 'change'],
  ['B', null, 'B', V2, 'unchanged'],
  [null, null, null, V2, 'unchanged'],
  ['A', V1, null, V2, 'change'],
  ['A', '2026-01-01T12:00:00+01:00', 'B', V2, 'again'],
])('a company with parent %s at %s, observed with %s at %s: %s', (stored, storedVersion, to, version, expected) => {
  expect(compareParent(company(stored, storedVersion), { to, version }, 'flow')).toBe(expected)
})

test.each([
  ['A', `${V2}|A`, false],
  ['A', `${V2}|B`, true],
  ['A', `${V2}|`, true],
  [null, `${V2}|`, false],
  [null, `${V2}|A`, true],
  ['A', V2, false],
  ['A', null, false],
])('a company with parent %s, noted as %s, does not say what we wrote: %s', (stored, note, expected) => {
  expect(differsFromNote(company(stored, note), 'flow')).toBe(expected)
})

test.each([
  ['A', V1, 'P', V2, true],
  ['A', null, 'P', V2, true],
  ['P', V1, 'P', V2, true],
  ['P', V2, 'P', V2, false],
  ['A', V2, 'P', V2, true],
  ['A', V3, 'P', V2, false],
  ['A', null, 'A', '', false],
])(
  'a child with parent %s at %s, announced to get %s at %s, is waited for: %s',
  (stored, storedVersion, to, version, expected) => {
    expect(isPending(company(stored, storedVersion), { to, version }, 'flow')).toBe(expected)
  },
)

test('a child that is gone is nobody’s child, and not waited for', () => {
  expect(isPending(null, { to: 'P', version: V2 }, 'flow')).toBe(false)
  expect(isChildOf(null, 'P', 'flow')).toBe(false)
  expect(isChildOf(company('P', V1), 'P', 'flow')).toBe(true)
  expect(isChildOf(company('A', V1), 'P', 'flow')).toBe(false)
})
