import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

const OTHER = 'other-se'
let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-replay', tenants: [TENANT, OTHER] })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

interface DryResult {
  customer: string
  outcome: string
  reason: string | null
  changes: { target: string; operation: string; customer: string; field: string; before?: unknown; after?: unknown }[]
}
const MAPPER = ['--service', 'customer-mapper', '--topic', 'flow.customers.v1'] as const
const person = (customerUid: string, more: object = {}) => ({
  ...{ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' },
  ...more,
})
const company = (customerUid: string, parent?: string) => ({
  ...{ customerUid, customerType: 'COMPANY', companyName: customerUid },
  ...(parent !== undefined && { parentCustomer: { customerUid: parent } }),
})
const inOmnium = (id: string, tenant = TENANT) => world.omnium.customer(tenant, 'B2C', id)
const business = (id: string) => world.omnium.customer(TENANT, 'B2B', id)
const replayedOf = async (id: string) => {
  const records = await world.topics.records('sync.outcomes.v1')
  return records.flatMap(({ value }) => (value?.id === id && value.lane === 'replayed' ? [value] : []))
}
const rest = () => atRest(syncctl, world)
const writes = () => world.omnium.journal.entries({ kind: 'write' }).length

describe('a replay', () => {
  it('makes good what a faulty mapping wrote, for the selected tenant and customer only, and reports the ends', async () => {
    for (const id of ['r1', 'r2']) world.flow.createCustomer(TENANT, person(id))
    world.flow.createCustomer(OTHER, person('r1'))
    await eventually('all of them', () => Boolean(inOmnium('r1') && inOmnium('r2') && inOmnium('r1', OTHER)))
    await eventually('the links', () => world.flow.customer(TENANT, 'r1')?.externalId === 'r1')
    await rest()
    for (const [tenant, id] of [
      [TENANT, 'r1'],
      [TENANT, 'r2'],
      [OTHER, 'r1'],
    ] as const) {
      world.omnium.editCustomer(tenant, 'B2C', id, { firstName: 'Wrong' }, 'flow-sync')
    }

    const { code, out } = await syncctl(
      ...['replay', ...MAPPER, '--tenant', TENANT, '--customer', 'r1', '--from', '1h', '--yes'],
    )

    expect(code).toBe(0)
    expect(out).toMatch(/^done +1\n1 record ended in /)
    expect(inOmnium('r1')?.firstName).toBe('Kari')
    expect(inOmnium('r2')?.firstName).toBe('Wrong')
    expect(inOmnium('r1', OTHER)?.firstName).toBe('Wrong')
    await eventually('its end', async () => (await replayedOf('r1')).length === 1)
  })

  it('of many snapshots of a customer sends the newest', async () => {
    world.flow.createCustomer(TENANT, person('edits'))
    for (let n = 1; n <= 5; n++) {
      world.flow.editCustomer(TENANT, 'edits', { mobile: `+470000000${n}` })
      await eventually(`edit ${n}`, () => inOmnium('edits')?.phone === `+470000000${n}`)
    }

    const { code, out } = await syncctl(
      'replay',
      ...MAPPER,
      '--tenant',
      TENANT,
      '--customer',
      'edits',
      '--from',
      'earliest',
      '--yes',
    )

    expect(code).toBe(0)
    expect(out).toMatch(/^skipped\(unchanged\) +1\n/)
  })

  it('restores a relation that somebody broke', async () => {
    world.flow.createCustomer(TENANT, company('p1'))
    world.flow.createCustomer(TENANT, company('c1', 'p1'))
    const entries = (id: string) => JSON.stringify(business(id)?.customerRelations ?? [])
    await eventually('both ends', () => entries('p1').includes('c1') && entries('c1').includes('p1'))
    world.omnium.editCustomer(TENANT, 'B2B', 'p1', { customerRelations: [] }, 'flow-sync')

    const { code } = await syncctl(
      ...['replay', '--service', 'relation-manager', '--topic', 'company.parent-changes.v1'],
      ...['--tenant', TENANT, '--from', '0', '--yes'],
    )

    expect(code).toBe(0)
    await eventually('the entry', () => entries('p1').includes('c1'))
  })

  it('ends at once when there is nothing in the range', async () => {
    const { code, err } = await syncctl(
      'replay',
      ...MAPPER,
      '--from',
      new Date(Date.now() + 60_000).toISOString(),
      '--yes',
    )

    expect(code).toBe(0)
    expect(err).toContain('Nothing to replay')
  })

  it.each([
    [['--topic', 'sync.outcomes.v1', '--from', '1h'], "customer-mapper doesn't read sync.outcomes.v1"],
    [['--from', 'yesterday'], '--from must be a time'],
    [['--customer', '1', '--from', '1h'], '--customer needs --tenant'],
    [['--tenant', 'nobody', '--from', '1h'], "unknown tenant 'nobody'"],
    [['--from', '1h', '--to', '2h'], '--from must come before --to'],
    [['--from', '99:5'], 'there is no partition 99; there are 3'],
    [['--from', '1h'], 'add --yes'],
  ])('refuses %j', async (args, reason) => {
    const { code, err } = await syncctl('replay', '--service', 'customer-mapper', ...args)

    expect(code).toBe(64)
    expect(err).toContain(reason)
  })

  it('that is interrupted goes on where it stopped, and sends nothing twice', async () => {
    const mapper = world.services.get('customer-mapper')!
    await mapper.stop()
    const ids = Array.from({ length: 300 }, (_, n) => `i-${n}`)
    for (const id of ids) world.flow.createCustomer(TENANT, person(id))
    const snapshots = async () =>
      (await world.topics.records('flow.customers.v1')).filter(({ key }) => key?.startsWith(`${TENANT}:i-`)).length
    await eventually('their snapshots', async () => (await snapshots()) === ids.length)
    const args = ['replay', ...MAPPER, '--tenant', TENANT, '--from', '1h', '--yes']
    const lane = async () => {
      const records = await world.topics.records('customer-mapper.retry.v1')
      return records.flatMap(({ key, headers }) =>
        headers['lane-why'] === 'replayed' && key?.startsWith(`${TENANT}:i-`) ? [key] : [],
      )
    }

    const run = syncctl.start(...args)
    await eventually('records in the lane', async () => (await lane()).length > 0)
    run.child.kill('SIGINT')
    const interrupted = await run.ended
    await world.start('customer-mapper')
    const { code, err, out } = await syncctl(...args)

    expect(interrupted.code).toBe(130)
    expect(interrupted.err).toContain("customer-mapper isn't running")
    expect(err).toContain('Going on with the replay')
    expect(code).toBe(0)
    expect(out).toMatch(/records ended in/)
    const sent = await lane()
    expect(sent).toHaveLength(ids.length)
    expect(new Set(sent).size).toBe(ids.length)
    expect(inOmnium('i-299')).toBeDefined()
  })
})

describe('a dry run', () => {
  it('says field by field what a replay would change, and writes nothing', async () => {
    world.flow.createCustomer(TENANT, person('dry', { city: 'Oslo' }))
    await eventually('the customer', () => inOmnium('dry') !== undefined)
    await eventually('the link', () => world.flow.customer(TENANT, 'dry')?.externalId === 'dry')
    await rest()
    world.omnium.editCustomer(TENANT, 'B2C', 'dry', { firstName: 'Wrong' }, 'flow-sync')
    const lane = await world.topics.ends('customer-mapper.retry.v1')
    const before = writes()
    const args = ['replay', ...MAPPER, '--tenant', TENANT, '--customer', 'dry', '--from', '1h', '--dry-run']

    const names = await syncctl.json<DryResult>(...args, '--json')
    const values = await syncctl.json<DryResult>(...args, '--json', '--show-values')
    const text = await syncctl(...args)

    expect(names.find(({ outcome }) => outcome === 'done')?.changes).toEqual([
      { target: 'omnium', operation: 'update', customer: 'dry', field: 'firstName' },
    ])
    expect(values[0]!.changes[0]).toMatchObject({ before: 'Wrong', after: 'Kari' })
    expect(text.code).toBe(0)
    expect(text.out).toContain('update in omnium  firstName')
    expect(text.out).not.toContain('Kari')
    expect(text.out).toContain('1 record of 1 customer would change something')
    expect(writes()).toBe(before)
    expect(await world.topics.ends('customer-mapper.retry.v1')).toEqual(lane)
  })

  it('shows both ends of a relation', async () => {
    world.flow.createCustomer(TENANT, company('dp'))
    world.flow.createCustomer(TENANT, company('dc', 'dp'))
    const entries = (id: string) => JSON.stringify(business(id)?.customerRelations ?? [])
    await eventually('both ends', () => entries('dp').includes('dc') && entries('dc').includes('dp'))
    await rest()
    for (const id of ['dp', 'dc']) world.omnium.editCustomer(TENANT, 'B2B', id, { customerRelations: [] }, 'flow-sync')

    const results = await syncctl.json<DryResult>(
      ...['replay', '--service', 'relation-manager', '--tenant', TENANT, '--customer', 'dp', '--from', '1h'],
      ...['--dry-run', '--json'],
    )

    // The parent agrees with its child, which names none now; with the child's own record it will.
    expect(results.flatMap(({ changes }) => changes.map(({ field }) => field))).toEqual(['properties.Parent company'])
    const both = await syncctl.json<DryResult>(
      ...['replay', '--service', 'relation-manager', '--tenant', TENANT, '--from', '1h', '--dry-run', '--json'],
    )
    const changed = both.flatMap(({ changes }) => changes.map(({ customer, field }) => `${customer} ${field}`))
    expect(changed).toContain('dc customerRelations')
    expect(changed).toContain('dp customerRelations')
    expect(entries('dp')).toBe('[]')
  })

  it('says that a target is down', async () => {
    const fault = world.omnium.faults.add({ kind: 'status', status: 503, tenant: OTHER })

    const { code, err } = await syncctl('replay', ...MAPPER, '--tenant', OTHER, '--from', '1h', '--dry-run')
    world.omnium.faults.remove(fault)

    expect(code).toBe(1)
    expect(err).toMatch(/syncctl: deciding for tenant other-se: .*omnium/)
  })
})

describe('--reset-group', () => {
  it('is refused while the service runs, and names who runs', async () => {
    const { code, err } = await syncctl('replay', ...MAPPER, '--from', '1h', '--reset-group', '--yes')

    expect(code).toBe(1)
    expect(err).toMatch(/Refused: customer-mapper has 1 member; stop them first\.\n {2}customer-mapper-\d+-consumer at/)
  })

  it('rewinds a service that is stopped', async () => {
    await world.services.get('customer-mapper')!.stop()
    const { code, out, err } = await syncctl('replay', ...MAPPER, '--from', 'earliest', '--reset-group', '--yes')

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^customer-mapper begins again at \d partitions?\.\n$/)
    const committed = await world.topics.committed('customer-mapper', 'flow.customers.v1')
    const rewound = [...committed.values()].filter((offset) => offset === 0)
    expect(rewound.length).toBeGreaterThan(0)
    world.omnium.editCustomer(TENANT, 'B2C', 'r2', { firstName: 'Wrong again' }, 'flow-sync')
    await world.start('customer-mapper')
    await eventually('the customer of the range', () => inOmnium('r2')?.firstName === 'Kari')
  })
})
