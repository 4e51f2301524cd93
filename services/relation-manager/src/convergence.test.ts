import type { OmniumCustomer } from '@sync/shared/omnium/schema'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Happening, type Scenario, simulate } from './testing/simulation.ts'

const company = fc.nat({ max: 4 })
const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('parent' as const),
      company,
      parent: fc.option(company),
      sameVersion: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('edit' as const), company }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('observe' as const), company }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('replay' as const), back: fc.nat({ max: 20 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('crash' as const), process: fc.nat({ max: 1 }) }) },
)
const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  companies: fc.integer({ min: 2, max: 5 }),
  faultsOneIn: fc.constantFrom(0, 3, 10),
  happensOneIn: fc.constantFrom(1, 5, 40),
  jumpsOneIn: fc.constantFrom(4, 15, 100),
  missing: fc.constantFrom(0, 0, 1, 2),
  patchLists: fc.constantFrom('replace' as const, 'replace' as const, 'merge' as const, 'merge-unless-told' as const),
  happenings: fc.array(happening, { minLength: 1, maxLength: 20, size: 'max' }),
})

const related = (customer: OmniumCustomer, relationType: string) =>
  (customer.customerRelations ?? [])
    .filter((entry) => entry.relationType === relationType)
    .map((entry) => entry.customerId)
const propertyOf = (customer: OmniumCustomer, key: string) =>
  customer.properties?.find((property) => property.key === key)?.value

const childrenOf = (id: string, customers: ReadonlyMap<string, OmniumCustomer>) =>
  [...customers].filter(([, other]) => related(other, 'Parent').includes(id)).map(([child]) => child)

async function convergesOn(given: Scenario) {
  const { peers, customers, beforeRedrive } = await simulate(given)

  expect(peers.olderAfterNewer).toBe(0)
  for (const [id, customer] of beforeRedrive.customers) {
    if (beforeRedrive.refusing.has(id)) continue
    const children = childrenOf(id, beforeRedrive.customers)
    expect(related(customer, 'SubDepartment').toSorted(), `half-linked to ${id}`).toEqual(children)
  }
  for (const [id, customer] of customers) {
    const parent = peers.flow.customer(id)!.parentCustomer?.customerUid ?? null
    const children = childrenOf(id, customers)
    expect(related(customer, 'Parent'), `parent of ${id}`).toEqual(parent === null ? [] : [parent])
    expect(related(customer, 'SubDepartment').toSorted(), `children of ${id}`).toEqual(children)
    expect(propertyOf(customer, 'Parent company') === 'true', `parent company ${id}`).toBe(children.length > 0)
    expect(propertyOf(customer, 'theirs')).toBe('kept')
    expect(related(customer, 'Employee')).toEqual(['P1'])
  }
}

test('whatever happens in whatever order, Omnium ends with the parents that Flow says, at both ends', async () => {
  const runs = Number(process.env.CONVERGENCE_RUNS ?? 200)
  await fc.assert(fc.asyncProperty(scenario, convergesOn), { numRuns: runs })
}, 600_000)
