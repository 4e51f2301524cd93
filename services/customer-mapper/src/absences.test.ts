import { SyncError } from '@sync/shared/errors'
import { type Outcome, skipped } from '@sync/shared/outcome'
import { aCompany, aFlowSnapshot, anOmniumCustomer, anOmniumSnapshot, aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

type World = ReturnType<typeof createWorld>

const pending = new SyncError('absence-pending', 'proving an absence', { retryAfterMs: 10_000 })
const unconfirmed = new SyncError('absence-unconfirmed', 'proving an absence: a role is missing')
const OLD = '2026-01-01T00:00:00Z'
const written = { properties: [{ key: 'flowLastModifiedAt', value: OLD }] }
const first = async (outcomes: Promise<readonly Outcome[]>) => (await outcomes)[0] as Outcome

/** Each ends a change because a peer no longer has the customer: the peer that has to prove it, and how it ends then. */
const DECISIONS: [string, 'flow' | 'omnium', (world: World) => Promise<Outcome>][] = [
  ['a Flow record out of its place', 'flow', (world) => world.fromFlow('1000', aPerson(), { lane: 'deferred' })],
  [
    'an old Flow snapshot whose customer Omnium lacks',
    'flow',
    (world) =>
      first(
        world.handle({ ...world.flowRecord(aPerson()), value: aFlowSnapshot(aPerson(), { fetchedAt: OLD }) } as never),
      ),
  ],
  [
    'an edit in Flow that may be overwritten',
    'flow',
    (world) => {
      world.omnium.put('B2C', { customerId: '1000', modified: '2026-01-20T00:00:00Z' })
      return world.fromFlow('1000', aPerson())
    },
  ],
  [
    'an echo of a customer whom Flow has erased',
    'flow',
    (world) => world.fromOmnium('B2C', '1000', {}, anOmniumCustomer(written)),
  ],
  [
    'an old Omnium snapshot whose customer Flow lacks',
    'omnium',
    async (world) => {
      const value = anOmniumSnapshot('B2C', anOmniumCustomer(), { fetchedAt: OLD })
      return first(world.handle({ ...world.flowRecord(aPerson()), topic: 'omnium.customers.v1', value } as never))
    },
  ],
  [
    'an Omnium record out of its place',
    'omnium',
    (world) => world.fromOmnium('B2C', '1000', { lane: 'replayed' }, anOmniumCustomer()),
  ],
  [
    'a replayed order of a customer whom Flow has erased',
    'flow',
    (world) => {
      world.omnium.put('B2C', { customerId: '1000', ...written })
      return world.fromOrder({ customerId: '1000' }, { lane: 'replayed' })
    },
  ],
]

describe.each(DECISIONS)('%s', (_what, peer, handle) => {
  const given = () => createWorld({ omniumCustomerEvents: 'update' })

  test(`is skipped only once ${peer} proves the absence`, async () => {
    const world = given()
    world[peer].fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })

    expect(await handle(world)).toMatchObject({ kind: 'retry', reason: 'absence-pending', afterMs: 10_000 })
    world.forget()
    expect(await handle(world)).toEqual(skipped('deleted'))
    expect(world[peer].journal.at(-1)).toMatchObject({ operation: 'proveAbsent', id: '1000' })
    expect(world.writes()).toEqual([])
  })

  test('is parked when a role that the proof needs is missing', async () => {
    const world = given()
    world[peer].fail({ when: ({ operation }) => operation === 'proveAbsent', error: unconfirmed })

    expect(await handle(world)).toMatchObject({ kind: 'park', reason: 'absence-unconfirmed' })
  })
})

test('a link to a customer whom Flow does not show is made once Flow shows the customer again', async () => {
  const world = createWorld()
  world.flow.fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })

  expect(await world.fromFlow('1000', aPerson())).toMatchObject({ kind: 'retry', reason: 'absence-pending' })
  world.flow.put(aPerson())
  expect(await world.fromFlow('1000', aPerson())).toMatchObject({ kind: 'done', effect: { operation: 'linked' } })
})

test('a customer whom Flow’s list names is not created again while by-id reads do not find the customer', async () => {
  const world = createWorld()
  world.omnium.put('B2C', { customerId: '+47', firstName: 'Web' })
  world.flow.put(aPerson({ customerUid: '+47', externalId: '+47' }))
  const { getCustomer } = world.flow
  world.flow.getCustomer = async () => null
  world.flow.fail({ when: ({ operation }) => operation === 'proveAbsent', error: pending })

  expect(await world.fromOrder({ customerId: '+47' })).toMatchObject({ kind: 'retry', reason: 'absence-pending' })
  expect(world.flow.writes()).toEqual([])
  world.flow.getCustomer = getCustomer
  expect(await world.fromOrder({ customerId: '+47' })).toMatchObject({ kind: 'skipped', reason: 'exists' })
})

describe('a write that is answered "not found" although the customer is there', () => {
  const notFound = async () => 'not-found' as const

  test.each(['updatePrivateCustomer', 'patchCustomer'] as const)('by Omnium (%s) is an outage', async (write) => {
    const world = createWorld()
    const [kind, id] = write === 'patchCustomer' ? (['B2B', '2000'] as const) : (['B2C', '1000'] as const)
    world.flow.put(
      kind === 'B2B' ? aCompany({ companyName: 'New', externalId: id }) : aPerson({ firstname: 'New', externalId: id }),
    )
    world.omnium.put(kind, { customerId: id })
    world.omnium[write] = notFound

    expect(await world.fromFlow(id)).toMatchObject({ kind: 'retry', reason: 'target-unavailable' })
  })

  test('by Flow is an outage, for a link and for an edit', async () => {
    const world = createWorld({ omniumCustomerEvents: 'update' })
    world.flow.put(aPerson({ lastModifiedAt: OLD }))
    world.omnium.put('B2C', { customerId: '1000', firstName: 'New', modified: '2026-01-20T00:00:00Z' })
    world.flow.updateCustomer = notFound

    expect(await world.fromFlow('1000')).toMatchObject({ kind: 'retry', reason: 'target-unavailable' })
    expect(await world.fromOmnium('B2C', '1000')).toMatchObject({ kind: 'retry', reason: 'target-unavailable' })
  })
})

test.each([
  ['we have linked', '1000', true],
  ['another system names', 'erp-7', undefined],
  ['is new', null, undefined],
])(
  'an absence in Omnium of a customer that %s counts for the absence guard: %s, %s',
  async (_what, externalId, known) => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId }))

    await world.fromFlow('1000')

    const read = world.omnium.journal.find(({ operation, id }) => operation === 'getCustomer' && id === '1000')
    expect(read?.evidence?.known).toBe(known)
  },
)
