import { FlowCustomer } from '@sync/shared/flow/schema'
import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { differences } from './differences.ts'
import { createWorld } from './testing/world.ts'

const TENANT = { parameters: { OMNIUM_CUSTOMER_MARKET_GROUP_ID: 'NO' } }
/** Few enough to collide: what matters is what is empty, absent, equal or different. */
const value = fc.constantFrom('', '-', 'a', 'b', '+47 1', '𠮷@%', null, undefined)
const id = fc.constantFrom('1', '2', '3', '', null)
const record = (fields: readonly string[], ids: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ ...Object.fromEntries(fields.map((field) => [field, value])), ...ids })
const listOf = (element: fc.Arbitrary<unknown>) => fc.option(fc.array(element, { maxLength: 4 }), { nil: undefined })
const versions = fc.constantFrom('2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z', null)

const NAMES = ['firstname', 'lastname', 'companyName', 'displayName']
const PLACE = ['address', 'city', 'postalCode', 'countryCode', 'email']
const flowCustomer = record([...NAMES, ...PLACE, 'mobile', 'vatNumber', 'loyaltyId', 'externalId', 'lastModifiedBy'], {
  customerUid: fc.constant('1000'),
  customerType: fc.constantFrom('PERSON', 'COMPANY', 'B2B'),
  lastModifiedAt: versions,
  contacts: listOf(record(['firstname', 'lastname', 'email', 'mobile'], { customerContactUid: id })),
  addresses: listOf(record([...NAMES, ...PLACE, 'phone', 'type'], { customerAddressUid: id })),
}).map((fields) => FlowCustomer.parse(fields))

const property = fc.constantFrom(
  { key: 'flowLastModifiedAt', value: '2026-01-01T00:00:00Z' },
  { key: 'flowElementIds', value: '{"contacts":["1","2"],"addresses":["2"]}' },
  { key: 'theirs', value: 'kept' },
)
const omniumAddress = ['line1', 'line2', 'city', 'postalCode', 'countryCode', 'name', 'email', 'phone']
const omniumRecord = record(
  ['firstName', 'lastName', 'name', 'email', 'phone', 'taxId', 'customerNumber', 'marketGroupId'],
  {
    customerId: fc.constant('1000'),
    address: fc.option(record(omniumAddress)),
    contacts: listOf(
      record(['firstName', 'lastName', 'email', 'phone', 'privateCustomerId'], { id, roles: fc.constant(['r']) }),
    ),
    addresses: listOf(record(omniumAddress, { externalId: id, purposes: listOf(fc.constantFrom('a', 'b')) })),
    externalIds: fc.constantFrom([], [{ providerName: 'Voyado', id: 'a' }]),
    properties: fc.uniqueArray(property, { selector: ({ key }) => key }),
    modified: versions,
    tags: fc.constant(['kept']),
  },
)

/** What no row of the mapping may touch. */
function unmapped(customer: OmniumCustomer | undefined) {
  return {
    tags: customer?.tags,
    externalIds: customer?.externalIds,
    address: [customer?.address?.line2, customer?.address?.email, customer?.address?.phone].map(
      (field) => field ?? null,
    ),
    contacts: (customer?.contacts ?? []).filter(({ id }) => id === '' || id === null),
    theirs: customer?.properties?.filter(({ key }) => key === 'theirs'),
  }
}

test('whatever is upserted over whatever is there: nothing differs then, nothing is written again, nothing else is touched', async () => {
  await fc.assert(
    fc.asyncProperty(flowCustomer, fc.option(omniumRecord), async (flow, omnium) => {
      const world = createWorld(TENANT)
      const kind = flow.customerType === 'PERSON' ? 'B2C' : 'B2B'
      world.flow.put(flow)
      if (omnium) world.omnium.put(kind, omnium as OmniumCustomer)
      const before = world.omnium.customer(kind, '1000')

      const first = await world.fromFlow('1000', flow)
      const after = world.omnium.customer(kind, '1000') as OmniumCustomer
      world.omnium.forget()
      const second = await world.fromFlow('1000', { ...flow, externalId: '1000' })

      expect(['done', 'skipped']).toContain(first.kind)
      expect(second.kind).toBe('skipped')
      expect(world.omnium.writes()).toEqual([])
      if (first.kind === 'skipped' && first.reason === 'stale') expect(after).toEqual(before)
      else expect(differences(flow, after, world.tenant)).toEqual([])
      if (before) expect(unmapped(after)).toEqual(unmapped(before))
    }),
    { numRuns: 1000 },
  )
})

test('whatever is created in Flow from Omnium comes back without a write', async () => {
  await fc.assert(
    fc.asyncProperty(omniumRecord, fc.constantFrom('B2C', 'B2B'), async (omnium, kind) => {
      const world = createWorld(TENANT)
      world.omnium.put(kind, { ...omnium, properties: [] })

      await world.fromOmnium(kind, '1000')
      const echo = await world.fromFlow('1000')

      expect(echo).toMatchObject({ kind: 'skipped', reason: 'unchanged' })
      expect(world.omnium.writes()).toEqual([])
    }),
    { numRuns: 300 },
  )
})
