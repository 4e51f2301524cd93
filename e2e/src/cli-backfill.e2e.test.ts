import { afterAll, beforeAll, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

const WEB = 'web-only'
const SLOW = 'slow'
let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-backfill', tenants: [TENANT, WEB, SLOW] })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
const backfill = (tenant: string, ...more: string[]) => ['backfill', '--tenant', tenant, ...more, '--yes'] as const

it('brings all customers of Flow to Omnium, relations too, and a second run costs no read', async () => {
  world.flow.seed(
    TENANT,
    Array.from({ length: 250 }, (_, n) => person(`b-${n}`)),
  )
  world.flow.seed(TENANT, [
    { customerUid: 'top', customerType: 'COMPANY', companyName: 'Top' },
    { customerUid: 'below', customerType: 'COMPANY', companyName: 'Below', parentCustomer: { customerUid: 'top' } },
  ])

  const { code, out } = await syncctl(...backfill(TENANT, '--from', 'flow', '--entity', 'customers'))

  expect(code).toBe(0)
  expect(out).toMatch(/^done +252\n252 records ended in/)
  expect(world.omnium.customers(TENANT, 'B2C')).toHaveLength(250)
  await eventually('the relation', () =>
    JSON.stringify(world.omnium.customer(TENANT, 'B2B', 'top')?.customerRelations ?? []).includes('below'),
  )
  await eventually('the links', () => world.flow.customers(TENANT).every(({ externalId }) => externalId))
  // Their events may be read before the versions of the second run are listed.
  await atRest(syncctl, world)
  const before = world.omnium.journal.entries({ kind: 'write' }).length

  const again = await syncctl(...backfill(TENANT, '--from', 'flow'))

  expect(again.code).toBe(0)
  expect(again.out).toContain('skipped(known)')
  expect(world.omnium.journal.entries({ kind: 'write' })).toHaveLength(before)
})

it('brings all customers of Omnium to Flow', async () => {
  const people = Array.from({ length: 130 }, (_, n) => ({ customerId: `w-${n}`, firstName: 'Ola', lastName: 'E' }))
  world.omnium.seed(WEB, 'B2C', people)
  world.omnium.seed(WEB, 'B2B', [{ customerId: 'w-company', name: 'Company' }])

  const { code } = await syncctl(...backfill(WEB, '--from', 'omnium'))

  expect(code).toBe(0)
  expect(world.flow.customers(WEB)).toHaveLength(131)
})

it('goes on where it was interrupted', async () => {
  world.flow.seed(
    SLOW,
    Array.from({ length: 1_000 }, (_, n) => person(`s-${n}`)),
  )
  const fault = world.omnium.faults.add({ kind: 'status', status: 503, tenant: SLOW })
  const run = syncctl.start(...backfill(SLOW, '--from', 'flow'))
  const notified = async () =>
    (await world.topics.records('flow-ingest.retry.v1')).filter(({ key }) => key?.startsWith(`${SLOW}:`)).length
  // A tenant whose target is down takes no more than a few hundred: the rest waits here.
  await eventually('the window being full', async () => (await notified()) === 500)
  run.child.kill('SIGINT')
  expect((await run.ended).code).toBe(130)
  world.omnium.faults.remove(fault)

  const { code, err } = await syncctl(...backfill(SLOW, '--from', 'flow'))

  expect(err).toContain('Going on with the backfill')
  expect(code).toBe(0)
  // What was sent before the interruption has ended too.
  expect(world.omnium.customers(SLOW, 'B2C')).toHaveLength(1_000)
  expect(await notified()).toBeLessThan(1_300)
})

it('refuses a tenant that the file does not name, and says that a peer is down', async () => {
  const unknown = await syncctl(...backfill('nobody', '--from', 'flow'))
  const fault = world.flow.faults.add({ kind: 'status', status: 503, tenant: WEB })
  const down = await syncctl(...backfill(WEB, '--from', 'flow'))
  world.flow.faults.remove(fault)

  expect(unknown.code).toBe(64)
  expect(unknown.err).toContain("unknown tenant 'nobody'")
  expect(down.code).toBe(1)
  expect(down.err).toMatch(/syncctl: .*flow.*503|syncctl: .*circuit/)
})
