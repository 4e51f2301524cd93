import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type ListingProxy, startListingProxy } from './listing-proxy.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, type World } from './world.ts'

const OVERLAP_MS = 1_000
const SHORT = 'short-pages'
const ONE_TIME = 'one-timestamp'
const REPEATS = 'repeats-last-page'
const MOVING = 'changes-while-paging'
const BROKEN = 'one-broken-item'
const FEWER = 'fewer-than-total'
const LATE = 'listed-late'
const TENANTS = [SHORT, ONE_TIME, REPEATS, MOVING, BROKEN, FEWER, LATE]

let world: World
let syncctl: Syncctl
let flow: ListingProxy
let omnium: ListingProxy
beforeAll(async () => {
  flow = await startListingProxy()
  omnium = await startListingProxy()
  world = await startWorld({
    file: 'peers-lists',
    services: [],
    tenants: TENANTS,
    env: {
      SWEEP_INTERVAL_MS: '500',
      SWEEP_OVERLAP_MS: String(OVERLAP_MS),
      SWEEP_DEEP_INTERVAL_MS: '3000',
      SWEEP_DEEP_LOOKBACK_MS: '600000',
      KAFKA_SESSION_TIMEOUT_MS: '6000',
    },
    flowFields: (uid) => ({ baseUrl: flow.urlOf(uid) }),
    omniumFields: (uid) => ({ baseUrl: omnium.urlOf(uid), maxInFlight: 16 }),
  })
  const urlOf = ({ app }: World['flow'] | World['omnium']) =>
    `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  flow.upstream = urlOf(world.flow)
  omnium.upstream = urlOf(world.omnium)
  const services = ['flow-ingest', 'omnium-ingest', 'customer-mapper'] as const
  const started = await Promise.all(services.map((name) => world.start(name)))
  await Promise.all(started.map((service) => service.untilReady()))
  // No webhook ever comes.
  for (const uid of TENANTS) {
    world.flow.configureTenant(uid, { webhook: null })
    world.omnium.configureTenant(uid, { webhook: null })
    await eventually('a first sweep', () => flow.pages(uid) > 0 && omnium.pages(uid) >= 3)
  }
  syncctl = await syncctlFor(world.env)
})
afterAll(async () => {
  await world?.stop()
  await Promise.all([flow?.close(), omnium?.close()])
})

const numbers = (n: number) => Array.from({ length: n }, (_, index) => index)
const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
const webCustomer = (customerId: string, modified?: string) => ({
  ...{ customerId, firstName: 'Ola', lastName: 'E' },
  ...(modified !== undefined && { modified }),
})
const idsOn = async (topic: 'flow.customers.v1' | 'omnium.customers.v1', tenant: string) =>
  new Set(
    (await world.topics.records(topic)).flatMap(({ value }) => (value?.tenant === tenant ? [value.id as string] : [])),
  )
const marksOf = async (tenant: string, entity: string) =>
  (await world.topics.records('sync.cursors.v1')).flatMap(({ value }) =>
    value?.tenant === tenant && value.entity === entity ? [value.mark] : [],
  )
const found = (topic: 'flow.customers.v1' | 'omnium.customers.v1', tenant: string, ids: readonly string[]) =>
  eventually(`all customers on ${topic}`, async () => {
    const there = await idsOn(topic, tenant)
    return ids.every((id) => there.has(id))
  })
/** So many pages of lists more. */
const pagesMore = async (peer: ListingProxy, tenant: string, count: number) => {
  const before = peer.pages(tenant)
  await eventually('more pages', () => peer.pages(tenant) >= before + count)
}
const backfill = (tenant: string, from: 'flow' | 'omnium') =>
  syncctl('backfill', '--tenant', tenant, '--from', from, '--yes')
const reconcile = (tenant: string) => syncctl('reconcile', '--tenant', tenant, '--json')

describe('Search that gives at most 50 per page', () => {
  it('hides none of 60 changed customers from a sweep, a backfill and a reconcile', async () => {
    world.omnium.setModes(SHORT, { maxPageLength: 50 })
    const ids = numbers(60).map((n) => `web-${n}`)
    const base = Date.now()
    world.omnium.seed(
      SHORT,
      'B2C',
      ids.map((id, n) => webCustomer(id, new Date(base + n).toISOString())),
    )

    await found('omnium.customers.v1', SHORT, ids)
    await eventually('the mark at the newest', async () =>
      (await marksOf(SHORT, 'private-customers')).includes(new Date(base + 59).toISOString()),
    )
    await eventually('all of them in Flow', () => world.flow.customers(SHORT).length === 60)
    const { code, out } = await backfill(SHORT, 'omnium')
    expect([code, out]).toEqual([0, expect.stringContaining('60 records ended')])
    await atRest(syncctl, world)
    expect((await reconcile(SHORT)).out).toBe('[]\n')
  })
})

describe('300 customers of one timestamp, in pages of 50, with totals that stop at 100', () => {
  it('are all found, and the mark moves on', async () => {
    world.omnium.setModes(ONE_TIME, { maxPageLength: 50, maxTotal: 100 })
    const ids = numbers(300).map((n) => `same-${n}`)
    const modified = new Date().toISOString()
    world.omnium.seed(
      ONE_TIME,
      'B2C',
      ids.map((id) => webCustomer(id, modified)),
    )

    await found('omnium.customers.v1', ONE_TIME, ids)
    await eventually('the mark at their time', async () =>
      (await marksOf(ONE_TIME, 'private-customers')).includes(modified),
    )
  })
})

describe('Flow that answers a page number above the last page with the last page', () => {
  it('is swept, and its backfill and reconcile end', async () => {
    world.flow.setModes(REPEATS, { lastPageAgain: true, maxTotal: 100 })
    const ids = numbers(130).map((n) => `r-${n}`)
    for (const id of ids) world.flow.createCustomer(REPEATS, person(id))

    await found('flow.customers.v1', REPEATS, ids)
    await eventually('all of them in Omnium', () => world.omnium.customers(REPEATS, 'B2C').length === 130)
    const before = flow.pages(REPEATS)
    const { code, out } = await backfill(REPEATS, 'flow')
    expect([code, out]).toEqual([0, expect.stringContaining('130 records ended')])
    await atRest(syncctl, world)
    expect((await reconcile(REPEATS)).out).toBe('[]\n')
    await pagesMore(flow, REPEATS, 5)
    expect(flow.pages(REPEATS) - before).toBeLessThan(1_000)
  })
})

describe('150 customers that change while Flow is paged', () => {
  it('hide no other customer, and are brought across themselves', async () => {
    world.flow.setModes(MOVING, { maxPageLength: 50 })
    const ids = numbers(250).map((n) => `m-${n}`)
    world.flow.seed(
      MOVING,
      ids.map((id, n) => ({ ...person(id), lastModifiedAt: new Date(Date.now() - n * 60_000).toISOString() })),
    )
    await atRest(syncctl, world)
    let pages = 0
    flow.changes.set(MOVING, {
      onPage() {
        if (++pages === 2) {
          for (const id of ids.slice(100)) world.flow.editCustomer(MOVING, id, { firstname: 'Changed' })
        }
      },
    })

    const { code } = await backfill(MOVING, 'flow')

    expect(code).toBe(0)
    expect(world.omnium.customers(MOVING, 'B2C')).toHaveLength(250)
    await eventually(
      'all changes',
      () => world.omnium.customers(MOVING, 'B2C').filter(({ firstName }) => firstName === 'Changed').length === 150,
    )
  })
})

describe.each(['null', 'text', 'no-id', 'id-object'] as const)('one item of a list that is broken: %s', (how) => {
  it('keeps nothing from the others, and no mark back', async () => {
    const id = (n: number) => `${how}-${n}`
    world.flow.setModes(BROKEN, { brokenListItem: { how, id: id(1) } })
    world.omnium.setModes(BROKEN, { brokenListItem: { how, id: `${id(1)}-web` } })
    for (const n of [0, 1, 2]) world.flow.createCustomer(BROKEN, person(id(n)))
    for (const n of [0, 1, 2]) world.omnium.createCustomer(BROKEN, 'B2C', webCustomer(`${id(n)}-web`))
    const newest = [
      world.flow.customer(BROKEN, id(2))!.lastModifiedAt,
      world.omnium.customer(BROKEN, 'B2C', `${id(2)}-web`)!.modified,
    ] as [string, string]

    await found('flow.customers.v1', BROKEN, [id(0), id(2)])
    await found('omnium.customers.v1', BROKEN, [`${id(0)}-web`, `${id(2)}-web`])
    await eventually('the mark of Flow', async () =>
      (await marksOf(BROKEN, 'customers')).some((mark) => mark >= newest[0]),
    )
    await eventually('the mark of Omnium', async () =>
      (await marksOf(BROKEN, 'private-customers')).some((mark) => mark >= newest[1]),
    )
  })
})

describe('lists that hold fewer customers than their total', () => {
  it('keep the mark, and backfill and reconcile say so', async () => {
    for (const n of numbers(5)) world.flow.createCustomer(FEWER, person(`f-${n}`))
    await eventually('all of them in Omnium', () => world.omnium.customers(FEWER, 'B2C').length === 5)
    await eventually('the links', () => world.flow.customers(FEWER).every(({ externalId }) => externalId))
    await atRest(syncctl, world)
    // Both lists lack one customer that their totals count, and neither lacks the same one.
    world.flow.setModes(FEWER, { hidden: { ids: ['f-0'] } })
    world.omnium.setModes(FEWER, { hidden: { ids: ['f-1'] } })
    const total = (listed: number) => (listed > 0 ? listed + 1 : 0)
    flow.changes.set(FEWER, { total })
    omnium.changes.set(FEWER, { total })
    await pagesMore(flow, FEWER, 3)
    await pagesMore(omnium, FEWER, 12)
    world.flow.createCustomer(FEWER, person('f-later'))
    await found('flow.customers.v1', FEWER, ['f-later'])
    await found('omnium.customers.v1', FEWER, ['f-later'])
    const others = (await marksOf(FEWER, 'business-customers')).length
    await eventually('marks of the other lists', async () => {
      return (await marksOf(FEWER, 'business-customers')).length >= others + 3
    })

    const later = world.omnium.customer(FEWER, 'B2C', 'f-later')!.modified as string
    expect((await marksOf(FEWER, 'private-customers')).filter((mark) => mark >= later)).toEqual([])
    const filled = await backfill(FEWER, 'flow')
    expect([filled.code, filled.out]).toEqual([
      2,
      expect.stringContaining('The list of customers of flow is incomplete'),
    ])
    await atRest(syncctl, world)
    const { code, out } = await reconcile(FEWER)
    const drifts = JSON.parse(out) as { kind: string; why: string }[]
    expect(code).toBe(2)
    expect(drifts.map(({ kind }) => kind)).toEqual(['incomplete-list', 'incomplete-list'])
  })
})

describe('a change that Omnium lists only five minutes after it was dated, and whose webhook is lost', () => {
  it('is found by the deeper sweep', async () => {
    world.omnium.createCustomer(LATE, 'B2C', webCustomer('in time'))
    const newest = world.omnium.customer(LATE, 'B2C', 'in time')!.modified as string
    await eventually('the mark', async () => (await marksOf(LATE, 'private-customers')).includes(newest))

    world.omnium.seed(LATE, 'B2C', [webCustomer('late', new Date(Date.now() - 5 * 60_000).toISOString())])

    await found('omnium.customers.v1', LATE, ['late'])
  })
})
