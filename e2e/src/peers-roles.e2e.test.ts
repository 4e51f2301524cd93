import type { OmniumModesInput } from '@sync/sandbox/omnium-modes'
import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, type World } from './world.ts'

type Change = 'person' | 'new person' | 'company' | 'new company' | 'department' | 'web order' | 'till order'
const CHANGES: readonly Change[] = [
  ...(['person', 'new person', 'company', 'new company', 'department', 'web order', 'till order'] as const),
]
/** The role that is missing, and the changes that need a read of it. */
const MISSING = [
  ['omnium', 'get-private', 'get-customer', ['person', 'new person', 'web order']],
  ['omnium', 'get-business', 'get-customer', ['company', 'new company', 'department']],
  ['omnium', 'get-orders', 'get-order', ['web order']],
  ['flow', 'get', 'get-customer', CHANGES.filter((change) => change !== 'till order')],
  ['flow', 'get-orders', 'get-order', ['till order']],
] as const satisfies readonly (readonly [string, string, string, readonly Change[]])[]
/** The retries of a record that counts its attempts are over within this time. */
const MISSING_MS = 45_000
const STORES = 'stores-no'
const tenantOf = (target: string, role: string) => `${target}-${role}`
const ROLE_TENANTS = MISSING.map(([target, role]) => tenantOf(target, role))

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({
    file: 'peers-roles',
    tenants: [...ROLE_TENANTS, STORES],
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', PARENT_CONFIRM_MS: '10000' },
  })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'before' })
const company = (customerUid: string, parent: string | null = null) => ({
  ...{ customerUid, customerType: 'COMPANY', companyName: 'before' },
  parentCustomer: parent === null ? null : { customerUid: parent },
})
const inOmnium = (tenant: string, kind: 'B2C' | 'B2B', id: string) => world.omnium.customer(tenant, kind, id)
const lettersOf = async (tenant: string) =>
  (await Promise.all(SERVICES.map((service) => world.topics.records(deadLetterTopicOf(service))))).flatMap((letters) =>
    letters.flatMap(({ key, headers }) => (key?.startsWith(`${tenant}:`) ? [`${key} ${headers['dl-reason']}`] : [])),
  )
interface Ready {
  circuits: { tenant: string; target: string; state: string }[]
  missingRoles: { tenant: string; target: string; operation: string; role: string }[]
}
const readyOfAll = () =>
  Promise.all(
    [...world.services.values()].map(
      async ({ adminUrl }) => (await (await fetch(`${adminUrl}/ready`)).json()) as Ready,
    ),
  )
const rolesOf = async (tenant: string) =>
  (await readyOfAll()).map(({ missingRoles }) => missingRoles.filter((it) => it.tenant === tenant))
const disturbed = async () =>
  (await readyOfAll()).flatMap(({ circuits }) =>
    circuits.flatMap(({ tenant, target, state }) => (state === 'closed' ? [] : [`${tenant} ${target} ${state}`])),
  )

const setRole = (target: string, role: string, isMissing: boolean) => {
  const modes = { missingRoles: isMissing ? [role] : [] }
  world[target as 'omnium'].setModes(tenantOf(target, role), modes as OmniumModesInput)
}
const change = (tenant: string) => {
  world.flow.editCustomer(tenant, 'person', { firstname: 'after' })
  world.flow.createCustomer(tenant, person('new person'))
  world.flow.editCustomer(tenant, 'company', { companyName: 'after' })
  world.flow.createCustomer(tenant, company('new company'))
  world.flow.createCustomer(tenant, company('department', 'company'))
  world.omnium.createOrder(tenant, { id: 'web order', customerId: 'shopper', customerType: 'B2C' })
  world.flow.putOrder(tenant, { orderUid: 'till order', customerUid: 'person' })
}
const applied = async (tenant: string): Promise<readonly Change[]> => {
  const relations = inOmnium(tenant, 'B2B', 'company')?.customerRelations as { customerId: string }[] | undefined
  const orders = await world.topics.records('flow.orders.v1')
  const isApplied: Record<Change, boolean> = {
    person: inOmnium(tenant, 'B2C', 'person')?.firstName === 'after',
    'new person': inOmnium(tenant, 'B2C', 'new person') !== undefined,
    company: inOmnium(tenant, 'B2B', 'company')?.name === 'after',
    'new company': inOmnium(tenant, 'B2B', 'new company') !== undefined,
    department: relations?.some(({ customerId }) => customerId === 'department') ?? false,
    'web order': world.flow.customer(tenant, 'shopper') !== undefined,
    'till order': orders.some(({ value }) => value?.tenant === tenant),
  }
  return CHANGES.filter((each) => isApplied[each])
}
const untilApplied = async (tenant: string, expected: readonly Change[], withinMs: number) => {
  let last: readonly Change[] = []
  const isReached = async () => {
    last = await applied(tenant)
    return expected.every((each) => last.includes(each))
  }
  await eventually(`the changes of ${tenant}`, isReached, withinMs).catch((error: unknown) => {
    throw new Error(`applied for ${tenant}: ${last.join(', ')}`, { cause: error })
  })
}

describe('a missing role for by-id reads', () => {
  it('makes only the records wait that need such a read, and is named by /ready until it is back', async () => {
    for (const tenant of ROLE_TENANTS) {
      world.flow.createCustomer(tenant, person('person'))
      world.flow.createCustomer(tenant, company('company'))
      world.omnium.seed(tenant, 'B2C', [{ customerId: 'shopper', firstName: 'Web' }])
    }
    for (const tenant of ROLE_TENANTS) {
      await eventually(`the customers of ${tenant}`, () =>
        ['person', 'company'].every((id) => world.flow.customer(tenant, id)?.externalId === id),
      )
    }
    await atRest(syncctl, world)
    await eventually('the search index', () => (world.omnium.indexCompleteAt() ?? 0) <= Date.now())
    for (const [target, role] of MISSING) setRole(target, role, true)

    const startedAt = performance.now()
    for (const tenant of ROLE_TENANTS) change(tenant)
    await Promise.all(
      MISSING.map(([target, role, , waiting]) => {
        const others = CHANGES.filter((each) => !(waiting as readonly Change[]).includes(each))
        return untilApplied(tenantOf(target, role), others, 20_000)
      }),
    )
    const openCircuits = new Set<string>()
    await eventually('the end of all attempts', async () => {
      for (const circuit of await disturbed()) openCircuits.add(circuit)
      return performance.now() - startedAt > MISSING_MS
    })

    expect([...openCircuits]).toEqual([])
    for (const [target, role, operation, waiting] of MISSING) {
      const tenant = tenantOf(target, role)
      expect([tenant, await lettersOf(tenant)]).toEqual([tenant, []])
      const stillWaiting = CHANGES.filter((each) => (waiting as readonly Change[]).includes(each))
      const done = await applied(tenant)
      expect([tenant, CHANGES.filter((each) => !done.includes(each))]).toEqual([tenant, stillWaiting])
      const named = (await rolesOf(tenant)).filter((roles) => roles.length > 0)
      const name = operation === 'get-order' ? 'Order read' : 'Customer read'
      expect(named.length).toBeGreaterThan(0)
      for (const roles of named) expect(roles).toMatchObject([{ tenant, target, operation, role: name }])
    }

    for (const [target, role] of MISSING) setRole(target, role, false)
    await Promise.all(ROLE_TENANTS.map((tenant) => untilApplied(tenant, CHANGES, 120_000)))
    for (const tenant of ROLE_TENANTS) {
      await eventually(`no missing role of ${tenant}`, async () => (await rolesOf(tenant)).flat().length === 0)
      expect([tenant, await lettersOf(tenant)]).toEqual([tenant, []])
    }
  }, 300_000)
})

describe('a customer outside of the stores of our API user', () => {
  it('is parked alone after its attempts, opens no circuit, and is no missing role', async () => {
    const tenant = STORES
    for (const id of ['near', 'far']) world.flow.createCustomer(tenant, person(id))
    await eventually('the customers', () =>
      ['near', 'far'].every((id) => world.flow.customer(tenant, id)?.externalId === id),
    )
    await atRest(syncctl, world)
    world.omnium.editCustomer(tenant, 'B2C', 'far', { storeIds: ['store-2'] })
    await atRest(syncctl, world)
    world.omnium.setModes(tenant, { storesOf: { [`client-${tenant}`]: ['store-1'] } })

    for (const id of ['near', 'far']) world.flow.editCustomer(tenant, id, { firstname: 'after' })

    await eventually('the near customer', () => inOmnium(tenant, 'B2C', 'near')?.firstName === 'after', 10_000)
    const openCircuits = new Set<string>()
    await eventually(
      'the dead letter',
      async () => {
        for (const circuit of await disturbed()) openCircuits.add(circuit)
        return (await lettersOf(tenant)).length > 0
      },
      120_000,
    )
    expect(await lettersOf(tenant)).toEqual([`${tenant}:far attempts-exhausted`])
    expect([...openCircuits]).toEqual([])
    expect((await rolesOf(tenant)).flat()).toEqual([])
  }, 200_000)
})
