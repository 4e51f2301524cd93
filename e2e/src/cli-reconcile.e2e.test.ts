import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-reconcile' })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

interface Drift {
  customer: string
  kind: string
  target: string
  changes: { field: string; before?: unknown; after?: unknown }[]
  related?: string
  repair: string
}
const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
const company = (customerUid: string, parent?: string) => ({
  ...{ customerUid, customerType: 'COMPANY', companyName: customerUid },
  ...(parent !== undefined && { parentCustomer: { customerUid: parent } }),
})
/** Omnium's lists lag behind its writes, and reconcile compares what the lists hold. */
const indexed = () => eventually('the search index', () => world.omnium.indexCompleteAt() === null)
const reconcile = async (...more: string[]) => {
  await indexed()
  return syncctl('reconcile', '--tenant', TENANT, ...more)
}
const drifts = async (...more: string[]) => {
  await indexed()
  return syncctl.json<Drift>('reconcile', '--tenant', TENANT, '--json', ...more)
}
const edit = (kind: 'B2C' | 'B2B', id: string, fields: Record<string, unknown>) =>
  world.omnium.editCustomer(TENANT, kind, id, fields, 'flow-sync')
const business = (id: string) => world.omnium.customer(TENANT, 'B2B', id)
const relations = (id: string) =>
  (business(id)?.customerRelations ?? []) as { customerId: string; relationType: string }[]
const hasRelation = (id: string, to: string) => relations(id).some(({ customerId }) => customerId === to)
const rest = () => atRest(syncctl, world)

beforeEach(async () => {
  if (world.flow.customers(TENANT).length > 0) return
  for (let n = 0; n < 120; n++) world.flow.createCustomer(TENANT, person(`n-${n}`))
  for (const id of ['a', 'b']) world.flow.createCustomer(TENANT, company(id))
  for (const id of ['a1', 'a2']) world.flow.createCustomer(TENANT, company(id, 'a'))
  world.flow.createCustomer(TENANT, company('b1', 'b'))
  await eventually('all of them in Omnium', () => world.omnium.customers(TENANT, 'B2C').length === 120)
  await eventually('all relations', () => hasRelation('a', 'a1') && hasRelation('a', 'a2') && hasRelation('b', 'b1'))
  await eventually('the links', () => world.flow.customers(TENANT).every(({ externalId }) => externalId))
  await rest()
})

describe('two systems that agree', () => {
  it('have no drift', async () => {
    const { code, out } = await reconcile()

    expect(code).toBe(0)
    expect(out).toContain(`No drift for tenant ${TENANT}: 125 customers in flow and 125 customers in omnium`)
    expect(await drifts()).toEqual([])
  })
})

describe('a customer whose by-id reads a gateway answers with 404', () => {
  it.each(['omnium', 'flow'] as const)(
    'is not reported as missing in %s, whose list names the customer',
    async (target) => {
      const fault = { kind: 'gateway', status: 404, answer: 'json', requests: 'by-id-read', tenant: TENANT } as const
      const refusal = world[target].faults.add({ ...fault, path: '*/n-5' })

      const { code, out } = await reconcile('--customer', 'n-5')
      world[target].faults.remove(refusal)

      expect([code, out]).toEqual([0, expect.stringContaining('No drift')])
    },
  )
})

describe('every kind of drift', () => {
  it('is found, told by ids and names, and mended as far as that can be done', async () => {
    // Missing in Omnium, a field, a link, an address and a name emptied.
    world.omnium.deleteCustomer(TENANT, 'B2C', 'n-0', 'flow-sync')
    edit('B2C', 'n-1', { firstName: 'Wrong', lastName: 'Wrong too' })
    world.flow.editCustomer(TENANT, 'n-2', { externalId: null }, 'flow-api-user')
    // A child without its parent, a parent without its child, one with a child of somebody else, a wrong property.
    edit('B2B', 'b1', { customerRelations: [] })
    edit('B2B', 'a', { customerRelations: relations('a').filter(({ customerId }) => customerId !== 'a2') })
    edit('B2B', 'b', {
      customerRelations: [...relations('b'), { customerId: 'a1', customerType: 'B2B', relationType: 'SubDepartment' }],
    })
    edit('B2B', 'a', { properties: [{ key: 'Parent company', value: 'false' }] })
    // What is only reported.
    world.omnium.seed(TENANT, 'B2C', [{ customerId: 'web-only', firstName: 'Ola' }])
    world.flow.seed(TENANT, [company('both')])
    world.omnium.seed(TENANT, 'B2C', [{ customerId: 'both', firstName: 'Ola' }])
    await rest()

    const found = await drifts()
    const told = found.map(({ kind, customer, related, repair }) =>
      [kind, customer, related, repair].filter(Boolean).join(' '),
    )

    expect(told.toSorted()).toEqual(
      [
        'missing-in-omnium n-0 repaired',
        'field n-1 repaired',
        'parent b1 b repaired',
        'one-sided-relation a a2 repaired',
        'one-sided-relation b a1 repaired',
        'one-sided-relation b b1 repaired',
        'parent-company a repaired',
        'missing-in-flow web-only reported',
        'type-conflict both reported',
        ...(world.flow.customer(TENANT, 'n-2')?.externalId ? [] : ['link n-2 repaired']),
      ].toSorted(),
    )
    const field = found.find(({ kind }) => kind === 'field')
    expect(field?.changes.map((change) => change.field)).toEqual(['firstName', 'lastName'])
    expect(JSON.stringify(found)).not.toMatch(/Wrong|Kari/)
    const shown = await drifts('--show-values', '--customer', 'n-1')
    expect(shown[0]?.changes[0]).toEqual({ field: 'firstName', before: 'Wrong', after: 'Kari' })

    const { code, out, err } = await reconcile('--repair', '--yes')

    expect(code).toBe(2)
    expect(out).toMatch(/ drifts mended in /)
    expect(out).toContain('2 drifts only reported.')
    expect(out).not.toContain('left:')
    expect(world.omnium.customer(TENANT, 'B2C', 'n-1')).toMatchObject({ firstName: 'Kari' })
    expect(hasRelation('b1', 'b') && hasRelation('b', 'b1') && !hasRelation('b', 'a1') && hasRelation('a', 'a2')).toBe(
      true,
    )
    const [, csv] = /Report: (\S+), (\S+), (\S+)/.exec(err)!.slice(1)
    expect(await readFile(join(syncctl.folder, csv!), 'utf8')).toMatch(/^tenant,customer,kind,/)
    const left = await drifts()
    expect(left.map(({ kind }) => kind).toSorted()).toEqual(['missing-in-flow', 'type-conflict'])
    // Nothing that a repair did is undone by what it caused.
    await rest()
    expect((await drifts()).map(({ kind }) => kind).toSorted()).toEqual(['missing-in-flow', 'type-conflict'])
    world.omnium.deleteCustomer(TENANT, 'B2C', 'web-only')
    world.omnium.deleteCustomer(TENANT, 'B2C', 'both')
  })

  it('ends with 0 when nothing is left', async () => {
    edit('B2C', 'n-3', { lastName: 'Wrong' })
    world.flow.deleteCustomer(TENANT, 'both')

    const { code } = await reconcile('--repair', '--yes')

    expect(code).toBe(0)
    expect((await reconcile()).code).toBe(0)
  })
})

describe('a part of it', () => {
  it('is one customer, some customers, or some fields', async () => {
    edit('B2C', 'n-5', { lastName: 'Wrong', phone: '+4700000000' })

    expect(await drifts('--customer', 'n-6')).toEqual([])
    expect(await drifts('--customer', 'n-5')).toMatchObject([{ kind: 'field', customer: 'n-5' }])
    const some = await drifts('--fields', 'phone')
    expect(some.flatMap(({ changes }) => changes.map(({ field }) => field))).not.toContain('lastName')
    expect((await drifts('--sample', '125')).map(({ customer }) => customer)).toEqual(['n-5'])
    await reconcile('--repair', '--yes')
  })
})

describe('a parent that is missing in Omnium', () => {
  it('comes back with its list', async () => {
    world.omnium.deleteCustomer(TENANT, 'B2B', 'b', 'flow-sync')
    await rest()

    const { code, out } = await reconcile('--repair', '--yes')

    expect(out).not.toContain('left:')
    expect(code).toBe(0)
    expect(hasRelation('b', 'b1')).toBe(true)
    expect((await reconcile()).code).toBe(0)
  })
})

describe('what was mistyped', () => {
  it.each([
    [['--fields', 'firstname'], 64, 'no such field: firstname; known: firstName'],
    [['--sample', '0'], 64, 'must be a whole number above 0'],
    [['--customer', 'nobody-at-all'], 1, 'customer nobody-at-all is neither in flow nor in omnium'],
  ])('does not look like agreement: %j', async (args, expected, reason) => {
    const { code, err } = await reconcile(...args)

    expect(code).toBe(expected)
    expect(err).toContain(reason)
  })
})

describe('a parent that no repair can bring', () => {
  it('is reported: one that is no company, and a circle', async () => {
    world.flow.seed(TENANT, [company('x1', 'nowhere'), company('y1', 'y2'), company('y2', 'y1')])
    for (const id of ['x1', 'y1', 'y2']) world.omnium.seed(TENANT, 'B2B', [{ customerId: id, name: id }])

    const found = await drifts()

    expect(
      found
        .filter(({ kind }) => kind === 'parent')
        .map(({ customer, repair }) => `${customer} ${repair}`)
        .toSorted(),
    ).toEqual(['x1 reported', 'y1 reported', 'y2 reported'])
    for (const id of ['x1', 'y1', 'y2']) {
      world.flow.deleteCustomer(TENANT, id)
      world.omnium.deleteCustomer(TENANT, 'B2B', id)
    }
  })
})

it('says that a peer is down, and that nobody agreed to a repair', async () => {
  const fault = world.flow.faults.add({ kind: 'status', status: 503 })
  const down = await reconcile()
  world.flow.faults.remove(fault)
  edit('B2C', 'n-7', { lastName: 'Wrong' })
  await rest()
  const unasked = await reconcile('--repair')

  expect(down.code).toBe(1)
  expect(down.err).toContain('syncctl:')
  expect(unasked.code).toBe(64)
  expect(unasked.err).toContain('add --yes')
  expect(world.omnium.customer(TENANT, 'B2C', 'n-7')?.lastName).toBe('Wrong')
})
