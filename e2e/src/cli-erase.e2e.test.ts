import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-erase' })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

interface Held {
  topic: string
  records: number
  newestAt: string
  until: string | null
}
const DAY_MS = 86_400_000
const erase = (id: string, ...more: string[]) => ['erase', '--tenant', TENANT, '--customer', id, ...more] as const

it('writes tombstones, and says which topics still hold the person and until when', async () => {
  world.flow.createCustomer(TENANT, { customerUid: 'e1', customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
  await eventually('the customer', () => world.omnium.customer(TENANT, 'B2C', 'e1') !== undefined)
  await eventually('the link', () => world.flow.customer(TENANT, 'e1')?.externalId === 'e1')

  const early = await syncctl(...erase('e1'))
  expect(early.code).toBe(64)
  expect(early.err).toContain('Customer e1 is still in Flow and Omnium')
  world.flow.deleteCustomer(TENANT, 'e1')
  world.omnium.deleteCustomer(TENANT, 'B2C', 'e1')
  const held = await syncctl.json<Held>(...erase('e1', '--yes', '--json'))

  for (const topic of ['flow.customers.v1', 'omnium.customers.v1'] as const) {
    const records = await world.topics.records(topic)
    await eventually(
      `the tombstone on ${topic}`,
      () => records.filter(({ key }) => key === `${TENANT}:e1`).at(-1)?.bytes === null,
    )
  }
  const inbox = held.find(({ topic }) => topic === 'flow.notifications.v1')!
  expect(Date.parse(inbox.until!) - Date.parse(inbox.newestAt)).toBe(7 * DAY_MS)
  expect(held.find(({ topic }) => topic === 'sync.outcomes.v1')?.records).toBeGreaterThan(0)
  expect(held.find(({ topic }) => topic === 'flow.customers.v1')?.until).toBeNull()
})

it('finds nothing of a person who was never there', async () => {
  const ends = await world.topics.ends('flow.customers.v1')
  const { code, out, err } = await syncctl(...erase('nobody', '--yes'))

  expect({ code, out }).toEqual({ code: 0, out: '' })
  expect(err).toContain('No topic holds anything of customer nobody')
  expect(await world.topics.ends('flow.customers.v1')).toEqual(ends)
})

it('writes nothing while nobody agrees, or for a tenant that is not known, and says that a peer is down', async () => {
  const ends = await world.topics.ends('flow.customers.v1')
  const unasked = await syncctl(...erase('e1'))
  const unknown = await syncctl('erase', '--tenant', 'nobody', '--customer', 'e2', '--yes')
  const fault = world.flow.faults.add({ kind: 'status', status: 503 })
  const down = await syncctl(...erase('e1'))
  world.flow.faults.remove(fault)

  expect([unasked.code, unknown.code, down.code]).toEqual([64, 64, 64])
  expect(down.err).toContain('Whether Flow or Omnium still have the customer is not known')
  expect(await world.topics.ends('flow.customers.v1')).toEqual(ends)
})
