import type { OmniumModesInput } from '@sync/sandbox/omnium-modes'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

interface Finding {
  check: string
  verdict: 'ok' | 'look' | 'broken'
  found: string
  advice: string | null
}

const SECRET = 'a-secret-of-a-webhook-that-is-long'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({
    file: 'cli-doctor',
    env: { A_WEBHOOK_SECRET: SECRET, SWEEP_INTERVAL_MS: '1000' },
    webhookSecret: { reference: 'env:A_WEBHOOK_SECRET', secret: SECRET },
  })
  syncctl = await syncctlFor(world.env)
  for (const uid of ['1', '2']) {
    world.flow.createCustomer(TENANT, { customerUid: uid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
  }
  world.flow.createCustomer(TENANT, { customerUid: 'parent', customerType: 'COMPANY', companyName: 'Parent' })
  world.flow.createCustomer(TENANT, {
    ...{ customerUid: 'child', customerType: 'COMPANY', companyName: 'Child' },
    ...{ parentCustomer: { customerUid: 'parent' }, contacts: [{ firstname: 'Ola' }] },
  })
  world.omnium.createOrder(TENANT, { id: 'order-1', customerId: '1', customerType: 'B2C' })
  const isParent = () => JSON.stringify(world.omnium.customer(TENANT, 'B2B', 'parent') ?? {}).includes('SubDepartment')
  await eventually('the relation', isParent)
  await atRest(syncctl, world)
})
afterAll(() => world?.stop())

const doctor = async (...more: string[]) => {
  const { code, out, err } = await syncctl('doctor', '--tenant', TENANT, '--json', ...more)
  if (!out.startsWith('[')) throw new Error(`doctor ended with ${code}: ${err}`)
  const findings = JSON.parse(out) as Finding[]
  return { code, findings, of: (part: string) => findings.filter(({ check }) => check.includes(part)) }
}
const business = (id: string) => world.omnium.customer(TENANT, 'B2B', id)

describe('syncctl doctor', () => {
  it('finds nothing wrong with a tenant that works, and exits 0', async () => {
    const { code, findings } = await doctor()

    expect(findings.filter(({ verdict }) => verdict !== 'ok')).toEqual([])
    expect(code).toBe(0)
    const checks = findings.map(({ check }) => check).join('\n')
    for (const part of [
      'flow: list',
      'omnium: search private',
      'clock of flow',
      'compared with Search',
      'relation type Parent',
    ])
      expect(checks).toContain(part)
    for (const part of [
      'webhook secret',
      'last webhook from flow',
      'sweep of omnium orders',
      'absence guard of omnium',
      'omnium: API users',
      'service customer-mapper',
    ])
      expect(checks).toContain(part)
    for (const part of ['topics and contracts', 'compaction bound', 'dead letters', 'drift of a sample'])
      expect(checks).toContain(part)
  })

  it('names a missing role, says what to do, and exits 1', async () => {
    world.omnium.setModes(TENANT, { missingRoles: ['search'] })

    const { code, of } = await doctor()
    world.omnium.setModes(TENANT, { missingRoles: [] })

    expect(of('omnium: search private')).toMatchObject([
      { verdict: 'broken', advice: 'Give our API user of omnium the role "Customer read".' },
    ])
    expect(of('flow: list customers')).toMatchObject([{ verdict: 'ok' }])
    expect(code).toBe(1)
  })

  it.each([
    ['omnium', 'get-private', 'omnium: read a private customer by id', 'Customer read'],
    ['omnium', 'get-business', 'omnium: read a business customer by id', 'Customer read'],
    ['omnium', 'get-orders', 'omnium: read an order by id', 'Order read'],
    ['flow', 'get', 'flow: read a customer by id', 'Customer read'],
    ['flow', 'get-orders', 'flow: read an order by id', 'Order read'],
  ] as const)(
    'names the role of %s that is missing for %s, and no check says that the peer is down',
    async (target, missing, check, role) => {
      const setRoles = (missingRoles: readonly string[]) =>
        world[target as 'omnium'].setModes(TENANT, { missingRoles } as OmniumModesInput)
      setRoles([missing])

      const { code, findings, of } = await doctor()
      setRoles([])

      expect(of(check)).toMatchObject([
        { verdict: 'broken', advice: `Give our API user of ${target} the role "${role}".` },
      ])
      expect(findings.filter(({ found, advice }) => /down|circuit|above/.test(`${found} ${advice}`))).toEqual([])
      expect(findings.filter(({ check: other }) => other.includes('by id') && other !== check)).not.toContainEqual(
        expect.objectContaining({ verdict: 'broken' }),
      )
      expect(code).toBe(1)
    },
  )

  it('tells customers that are refused alone from a missing role', async () => {
    const faults = ['1', '2'].map((customerId) =>
      world.omnium.faults.add({
        ...{ kind: 'gateway', status: 403, answer: 'json', tenant: TENANT },
        ...{ of: 'private-customer', requests: 'by-id-read', customerId },
      }),
    )

    const { findings, of } = await doctor()
    for (const fault of faults) world.omnium.faults.remove(fault)

    expect(of('omnium: read a private customer by id')).toMatchObject([{ verdict: 'look' }])
    expect(of('by-id reads of private customers')).toMatchObject([
      { verdict: 'look', found: '2 of 2 customers that Search lists are not found by id, or refused' },
    ])
    expect(findings.filter(({ advice }) => advice?.includes('the role') ?? false)).toEqual([])
  })

  it('writes nothing to the customer of --probe unless somebody agrees', async () => {
    const before = world.omnium.journal.entries({ kind: 'write' }).length

    const { code, out, err } = await syncctl('doctor', '--tenant', TENANT, '--probe', 'child')

    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(err).toContain('business customer child of tenant acme-no')
    expect(err).toContain('Nobody is there to agree: add --yes.')
    expect(world.omnium.journal.entries({ kind: 'write' })).toHaveLength(before)
  })

  it('prints one line for each check, for a person', async () => {
    const { out, code } = await syncctl('doctor', '--tenant', TENANT)

    expect(code).toBe(0)
    expect(out).toMatch(/^ok +flow: list customers +4 found$/m)
    expect(out).toMatch(
      /^ok +omnium: API users +without an API user .*\n +Name an API user for each of them in omnium.apiUsers/m,
    )
    expect(out).not.toContain(SECRET)
  })
})

describe.each([
  ['replace', 'ok', 'replaces the list'],
  ['merge-unless-told', 'ok', 'replaces the list if keepExistingListItems is false'],
  ['merge', 'look', 'merges the list, so that it removes nothing'],
] as const)('syncctl doctor --probe, where a PATCH is to %s', (patchLists, verdict, found) => {
  it('says so, and puts the customer back as it was', async () => {
    world.omnium.setModes(TENANT, { patchLists })
    const { contacts, addresses, customerRelations } = business('child')!

    const { of } = await doctor('--probe', 'child', '--yes')
    world.omnium.setModes(TENANT, { patchLists: 'replace' })

    expect(of('omnium: a PATCH of a list')).toMatchObject([{ verdict, found }])
    expect(of('put back')).toMatchObject([{ verdict: 'ok' }])
    expect(business('child')).toMatchObject({ contacts, customerRelations })
    expect(business('child')?.addresses ?? []).toEqual(addresses ?? [])
  })
})

describe('syncctl doctor --probe without the role for Search', () => {
  it('says of each check that needs Search which role is missing, and does all other checks', async () => {
    world.omnium.setModes(TENANT, { missingRoles: ['search'] })

    const { findings, of } = await doctor('--probe', 'child', '--yes')
    world.omnium.setModes(TENANT, { missingRoles: [] })

    const notChecked = {
      ...{
        verdict: 'broken',
        found: expect.stringContaining('not checked, because searching customers in omnium: 403'),
      },
      advice: 'Give our API user of omnium the role "Customer read", and run the command again.',
    }
    expect(of('customers, compared with Search')).toMatchObject([notChecked, notChecked])
    expect(of('omnium: relation type')).toMatchObject([notChecked, notChecked])
    expect(of('omnium: a Search result')).toMatchObject([notChecked])
    expect(of('omnium: a PATCH of a list')).toMatchObject([{ verdict: 'ok', found: 'replaces the list' }])
    expect(of('put back')).toMatchObject([{ verdict: 'ok' }])
    expect(of('drift of a sample')).toMatchObject([{ verdict: 'ok' }])
    expect(findings.filter(({ advice }) => advice?.includes('is down'))).toEqual([])
  })
})

const BLANKS = {
  ...{ customerId: 'blanks', name: 'N' },
  addresses: [{ externalId: 'x1', line1: 'L1', city: '' }],
  contacts: [{ id: 'o', firstName: 'A', lastName: '-' }],
}
const valuesOf = (id: string) => ({ ...business(id), modified: null, modifiedBy: null })

describe('syncctl doctor --probe of a customer with blank values, where a PATCH merges the lists', () => {
  it('puts the customer back when a person interrupts the command', async () => {
    world.omnium.setModes(TENANT, { patchLists: 'merge' })
    world.omnium.seed(TENANT, 'B2B', [BLANKS])
    const before = valuesOf('blanks')
    const { child, ended } = syncctl.start('doctor', '--tenant', TENANT, '--probe', 'blanks', '--yes')
    await eventually('the probe', () => JSON.stringify(business('blanks')).includes('sync-doctor-probe'))
    child.kill('SIGINT')
    const { code, out, err } = await ended
    world.omnium.setModes(TENANT, { patchLists: 'replace' })

    expect(code).toBe(130)
    expect(err).toContain('is being put back')
    expect(out).toMatch(/^ok +probe: the customer is put back +as it was/m)
    expect(valuesOf('blanks')).toEqual(before)
  })
})

describe('syncctl absences release', () => {
  it('says that a tenant is unknown', async () => {
    const { code, err } = await syncctl('absences', 'release', '--tenant', 'nope', '--target', 'omnium', '--yes')

    expect([code, err]).toEqual([64, expect.stringContaining(`unknown tenant 'nope'; known: ${TENANT}`)])
  })
})
