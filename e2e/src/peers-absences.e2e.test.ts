import { setTimeout as delay } from 'node:timers/promises'
import { deadLetterTopicOf, SERVICES } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, type World } from './world.ts'

/** A minute in the mission; the retries of a record that counted its attempts would be over within this time, too. */
const OUTAGE_MS = 20_000
/** Which requests the gateway answers, and the tenant that it stands before. */
const OUTAGES = {
  omnium: [
    ['all requests', 'omnium-all', {}],
    ['by-id reads of one kind', 'omnium-kind', { requests: 'by-id-read', of: 'business-customer' }],
    ['writes', 'omnium-writes', { requests: 'writes' }],
  ],
  flow: [
    ['all requests', 'flow-all', {}],
    ['by-id reads of one kind', 'flow-kind', { requests: 'by-id-read', of: 'customer' }],
    ['writes', 'flow-writes', { requests: 'writes' }],
  ],
} as const
const OTHERS = ['guard-no', 'role-no', 'proxy-no', 'proxy-company', 'proxy-flow'] as const
const TENANTS = [...Object.values(OUTAGES).flatMap((rows) => rows.map(([, tenant]) => tenant)), ...OTHERS]
const PHONE = '+47 900 00 001'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({
    file: 'peers-absences',
    tenants: TENANTS,
    env: { KAFKA_SESSION_TIMEOUT_MS: '6000', PARENT_CONFIRM_MS: '10000' },
  })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

const person = (customerUid: string, firstname = 'before') => ({ customerUid, customerType: 'PERSON', firstname })
const company = (customerUid: string, parent: string | null = null) => ({
  ...{ customerUid, customerType: 'COMPANY', companyName: customerUid },
  parentCustomer: parent === null ? null : { customerUid: parent },
})
const inOmnium = (tenant: string, kind: 'B2C' | 'B2B', id: string) => world.omnium.customer(tenant, kind, id)
const related = (tenant: string, id: string) =>
  ((inOmnium(tenant, 'B2B', id)?.customerRelations ?? []) as { customerId: string; relationType: string }[])
    .map(({ customerId, relationType }) => `${relationType} ${customerId}`)
    .toSorted()
    .join()
const isChildOf = (tenant: string, parent: string, former: string) =>
  related(tenant, 'child') === `Parent ${parent}` &&
  related(tenant, parent) === 'SubDepartment child' &&
  related(tenant, former) === ''
const outcomesOf = async (tenant: string) =>
  (await world.topics.records('sync.outcomes.v1')).flatMap(({ value }) => (value?.tenant === tenant ? [value] : []))
const lettersOf = async (tenant: string) =>
  (await Promise.all(SERVICES.map((service) => world.topics.records(deadLetterTopicOf(service))))).flatMap((letters) =>
    letters.flatMap(({ key, headers }) => (key?.startsWith(`${tenant}:`) ? [`${key} ${headers['dl-reason']}`] : [])),
  )
const tombstonesOf = async (tenant: string) =>
  (await Promise.all((['flow.customers.v1', 'omnium.customers.v1'] as const).map((it) => world.topics.records(it))))
    .flat()
    .filter(({ key, bytes }) => key?.startsWith(`${tenant}:`) && bytes === null)
/** Ids that were created more than once, at either peer. */
const createdTwice = (tenant: string) =>
  [world.flow, world.omnium].flatMap(({ journal }) => {
    const ids = journal
      .entries()
      .flatMap((entry) =>
        entry.kind === 'write' && entry.tenant === tenant && entry.operation === 'created'
          ? [`${entry.resource} ${entry.id}`]
          : [],
      )
    return ids.filter((id, index) => ids.indexOf(id) !== index)
  })
const readyOf = async (service: (typeof SERVICES)[number]) => {
  const answer = await fetch(`${world.services.get(service)!.adminUrl}/ready`)
  return (await answer.json()) as {
    circuits: { tenant: string; target: string; state: string }[]
    missingRoles: { tenant: string; role: string }[]
    absenceGuards: { tenant: string; target: string }[]
  }
}

describe.each(['omnium', 'flow'] as const)('a gateway that answers 404 for %s', (target) => {
  const rows = OUTAGES[target]

  it('is an outage: nothing is skipped, parked, removed or created twice, and all is applied after it', async () => {
    await Promise.all(
      rows.map(async ([, tenant]) => {
        for (const id of ['known', 'known-2', 'known-3']) world.flow.createCustomer(tenant, person(id))
        for (const id of ['former', 'next']) world.flow.createCustomer(tenant, company(id))
        world.flow.createCustomer(tenant, company('child', 'former'))
        // Without an event, so that the order alone brings the customer to Flow.
        world.omnium.seed(tenant, 'B2C', [{ customerId: 'shopper', firstName: 'Web' }])
        await eventually(`the customers of ${tenant}`, () => isChildOf(tenant, 'former', 'next'), 90_000)
        await eventually(
          `the links of ${tenant}`,
          () => world.flow.customer(tenant, 'known-3')?.externalId === 'known-3',
        )
        await eventually(`the search index of ${tenant}`, () => (world.omnium.indexCompleteAt() ?? 0) <= Date.now())
      }),
    )
    const faults = rows.map(([, tenant, matching]) =>
      world[target].faults.add({ kind: 'gateway', status: 404, answer: 'json', tenant, ...matching }),
    )

    for (const [, tenant] of rows) {
      world.flow.editCustomer(tenant, 'known', { firstname: 'after' })
      world.flow.createCustomer(tenant, person('new'))
      world.flow.createCustomer(tenant, company('new-company'))
      world.omnium.createOrder(tenant, { id: 'web-order', customerId: 'shopper', customerType: 'B2C' })
      world.flow.editCustomer(tenant, 'child', { parentCustomer: { customerUid: 'next' } })
    }
    await delay(OUTAGE_MS / 2)
    for (const [, tenant] of rows) {
      world.flow.editCustomer(tenant, 'known-2', { firstname: 'after' })
      world.flow.createCustomer(tenant, person('new-2'))
    }
    await delay(OUTAGE_MS / 2)
    for (const fault of faults) world[target].faults.remove(fault)

    for (const [what, tenant] of rows) {
      const missing = () =>
        Object.entries({
          known: inOmnium(tenant, 'B2C', 'known')?.firstName === 'after',
          'known-2': inOmnium(tenant, 'B2C', 'known-2')?.firstName === 'after',
          new: inOmnium(tenant, 'B2C', 'new') !== undefined,
          'new-2': inOmnium(tenant, 'B2C', 'new-2') !== undefined,
          'new-company': inOmnium(tenant, 'B2B', 'new-company') !== undefined,
          shopper: world.flow.customer(tenant, 'shopper') !== undefined,
          parents: isChildOf(tenant, 'next', 'former'),
        }).flatMap(([change, isApplied]) => (isApplied ? [] : [change]))
      await eventually(
        () => `all changes after 404 for ${what}, without ${missing().join(', ')}`,
        () => missing().length === 0,
        120_000,
      )
    }
    for (const [what, tenant] of rows) {
      const lost = (await outcomesOf(tenant)).filter(({ reason }) => reason === 'not-found' || reason === 'deleted')
      expect([what, lost, await lettersOf(tenant), await tombstonesOf(tenant), createdTwice(tenant)]).toEqual([
        what,
        ...[[], [], [], []],
      ])
    }
  }, 300_000)
})

describe('half of the customers of a tenant that disappear at once', () => {
  const tenant = 'guard-no'
  const ids = Array.from({ length: 80 }, (_, i) => `g${i}`)
  const metric = `sync_absence_guard_tripped{tenant="${tenant}",target="omnium"} 1`
  const services = () => [...world.services.values()]

  it('trip the absence guard of all processes, and nothing is done for it until a person releases the guard', async () => {
    for (const id of ids) world.flow.createCustomer(tenant, person(id))
    await eventually(
      'the customers',
      () => ids.every((id) => world.flow.customer(tenant, id)?.externalId === id),
      90_000,
    )
    world.omnium.setModes(tenant, { hidden: { share: 0.5 } })

    for (const id of ids) world.flow.editCustomer(tenant, id, { firstname: 'after' })

    await eventually('the metric of all services', async () => {
      const texts = await Promise.all(services().map((service) => service.metrics()))
      return texts.every((text) => text.includes(metric))
    })
    for (const service of SERVICES) {
      expect((await readyOf(service)).absenceGuards).toMatchObject([{ tenant, target: 'omnium' }])
    }
    const listed = await syncctl('absences', 'list', '--json')
    expect([listed.code, JSON.parse(listed.out)]).toMatchObject([2, [{ tenant, target: 'omnium' }]])

    await world.services.get('customer-mapper')!.stop()
    const restarted = await world.start('customer-mapper')
    await restarted.untilReady()
    await eventually('the guard after a restart', async () => (await restarted.metrics()).includes(metric))

    world.omnium.setModes(tenant, { hidden: null })
    const release = ['absences', 'release', '--tenant', tenant, '--target', 'omnium'] as const
    const refused = await syncctl(...release)
    expect([refused.code, refused.err]).toEqual([64, expect.stringContaining('Nobody is there to agree: add --yes.')])
    expect((await syncctl('absences', 'list')).code).toBe(2)
    const released = await syncctl(...release, '--yes')
    expect([released.code, released.err]).toEqual([0, ''])
    await eventually('all edits', () => ids.every((id) => inOmnium(tenant, 'B2C', id)?.firstName === 'after'), 150_000)
    expect([await lettersOf(tenant), await tombstonesOf(tenant), createdTwice(tenant)]).toEqual([[], [], []])
    for (const service of services()) expect(await service.metrics()).not.toContain(metric)
    expect((await syncctl('absences', 'list')).code).toBe(0)
  }, 400_000)
})

describe('a missing role for Search', () => {
  const tenant = 'role-no'

  it('parks only what needs a destructive decision, and is named by /ready', async () => {
    for (const id of ['known', 'gone']) world.flow.createCustomer(tenant, person(id))
    await eventually('the customers', () => world.flow.customer(tenant, 'gone')?.externalId === 'gone')
    // The event of the link is a change in Flow, and a change after the deletion creates the customer again.
    await atRest(syncctl, world)
    world.omnium.setModes(tenant, { missingRoles: ['search'] })

    world.flow.editCustomer(tenant, 'known', { firstname: 'after' })
    world.flow.createCustomer(tenant, person('new'))
    world.flow.createCustomer(tenant, company('new-company'))
    world.omnium.deleteCustomer(tenant, 'B2C', 'gone')

    await eventually(
      'the work by id',
      () =>
        inOmnium(tenant, 'B2C', 'known')?.firstName === 'after' &&
        inOmnium(tenant, 'B2C', 'new') !== undefined &&
        inOmnium(tenant, 'B2B', 'new-company') !== undefined,
    )
    await eventually('the dead letter', async () => (await lettersOf(tenant)).length > 0)
    expect(await lettersOf(tenant)).toEqual([`${tenant}:gone absence-unconfirmed`])
    expect(await tombstonesOf(tenant)).toEqual([])
    expect((await readyOf('omnium-ingest')).missingRoles).toContainEqual(
      expect.objectContaining({ tenant, role: 'Customer read' }),
    )
    expect(
      (await readyOf('omnium-ingest')).circuits.filter((it) => it.tenant === tenant && it.state !== 'closed'),
    ).toEqual([])
  }, 120_000)
})

describe.each([
  ['a customer', 'proxy-no', 'B2C'],
  ['the only company of its tenant', 'proxy-company', 'B2B'],
] as const)('a web order of %s whose id a proxy refuses in a path', (_what, tenant, kind) => {
  it('creates the customer in Flow, because Search finds the customer, and delays nobody', async () => {
    world.flow.createCustomer(tenant, person('known'))
    world.omnium.seed(tenant, kind, [
      { customerId: PHONE, ...(kind === 'B2C' ? { firstName: 'Web' } : { name: 'Web' }) },
    ])
    await eventually('the customer', () => inOmnium(tenant, 'B2C', 'known') !== undefined)
    await eventually('the search index', () => (world.omnium.indexCompleteAt() ?? 0) <= Date.now())
    world.omnium.faults.add({ kind: 'gateway', status: 404, answer: 'html', tenant, rawPath: ['%2B', '%2F', '+'] })

    const orders = 5
    for (let i = 0; i < orders; i++) {
      world.omnium.createOrder(tenant, { id: `order-${i}`, customerId: PHONE, customerType: kind })
    }
    const at = Date.now()
    world.flow.editCustomer(tenant, 'known', { firstname: 'after' })
    await eventually('the other customer', () => inOmnium(tenant, 'B2C', 'known')?.firstName === 'after')
    const delayMs = Date.now() - at

    await eventually('the customer in Flow', () => world.flow.customer(tenant, PHONE) !== undefined)
    await eventually('an edit of the customer in Omnium', () => {
      const editable = kind === 'B2C' ? 'firstname' : 'companyName'
      if (world.flow.customer(tenant, PHONE)?.[editable] !== 'after')
        world.flow.editCustomer(tenant, PHONE, { [editable]: 'after' })
      return inOmnium(tenant, kind, PHONE)?.[kind === 'B2C' ? 'firstName' : 'name'] === 'after'
    })
    expect(delayMs).toBeLessThan(5_000)
    expect(await lettersOf(tenant)).toEqual([])
    for (const service of ['omnium-ingest', 'customer-mapper'] as const) {
      const { circuits } = await readyOf(service)
      expect(circuits.filter((it) => it.tenant === tenant && it.state !== 'closed')).toEqual([])
    }
  }, 120_000)
})

describe('a customer of Flow whose id a proxy refuses in a path with a 404 of its own', () => {
  const tenant = 'proxy-flow'

  it('is not taken for deleted, and an edit is applied once the proxy lets the path pass', async () => {
    world.flow.createCustomer(tenant, person('known'))
    world.omnium.seed(tenant, 'B2C', [{ customerId: PHONE, firstName: 'Web' }])
    await eventually('the customer', () => inOmnium(tenant, 'B2C', 'known') !== undefined)
    world.omnium.createOrder(tenant, { id: 'order', customerId: PHONE, customerType: 'B2C' })
    await eventually('the customer in Flow', () => world.flow.customer(tenant, PHONE)?.externalId === PHONE)
    await atRest(syncctl, world)
    const refusal = world.flow.faults.add({ kind: 'gateway', status: 404, answer: 'json', tenant, rawPath: ['%2B'] })

    world.flow.editCustomer(tenant, PHONE, { firstname: 'after' })
    await eventually('reads that disagree', async () =>
      (await world.services.get('flow-ingest')!.metrics()).includes('reason="reads-disagree"'),
    )
    world.flow.faults.remove(refusal)

    await eventually('the edit', () => inOmnium(tenant, 'B2C', PHONE)?.firstName === 'after')
    expect([await lettersOf(tenant), await tombstonesOf(tenant)]).toEqual([[], []])
  }, 120_000)
})
