import { randomUUID } from 'node:crypto'
import { keyOf } from '@sync/shared/kafka/publisher'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeNotification } from './encode-notification.ts'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'both-sides',
    tenantFields: () => ({ omniumCustomerEvents: 'update' }),
    flowFields: () => ({ apiUser: 'flow-api-user' }),
    omniumFields: () => ({ apiUser: 'flow-sync' }),
  })
})
afterAll(() => world?.stop())

const inFlow = (id: string) => world.flow.customer(TENANT, id)
const inOmnium = (id: string) => world.omnium.customer(TENANT, 'B2C', id)
const linked = async () => {
  const id = `both-${randomUUID().slice(0, 8)}`
  world.flow.createCustomer(TENANT, {
    ...{ customerUid: id, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel', mobile: '+4700000001' },
  })
  await eventually('its link', () => inFlow(id)?.externalId === id)
  return id
}
const waits = () => world.services.get('customer-mapper')!.metric('sync_retries_total', { reason: 'flow-edit-pending' })
/** And goes on once what happens then is newer. */
const editWithoutWebhook = async (id: string, fields: Record<string, unknown>) => {
  const { webhook } = world.flow.tenants.get(TENANT)!
  world.flow.configureTenant(TENANT, { webhook: null })
  world.flow.editCustomer(TENANT, id, fields)
  world.flow.configureTenant(TENANT, { webhook })
  await eventually('a later moment', () => Date.now() > Date.parse(inFlow(id)!.lastModifiedAt))
}
const tell = async (id: string) =>
  world.topics.write('flow.notifications.v1', { key: keyOf(TENANT, id), value: await encodeNotification(world, id) })

describe('a customer whom both sides edit', () => {
  it('one after the other has both edits in both systems', async () => {
    const id = await linked()

    world.omnium.editCustomer(TENANT, 'B2C', id, { email: 'web@example.com' })
    await eventually('the web shop’s edit in Flow', () => inFlow(id)?.email === 'web@example.com')
    world.flow.editCustomer(TENANT, id, { mobile: '+4700000002' })
    await eventually('the till’s edit in Omnium', () => inOmnium(id)?.phone === '+4700000002')

    expect(inFlow(id)).toMatchObject({ email: 'web@example.com', mobile: '+4700000002' })
    expect(inOmnium(id)).toMatchObject({ email: 'web@example.com', phone: '+4700000002' })
  })

  it('at once keeps the till’s edit, though Omnium’s is newer and comes first', async () => {
    const id = await linked()
    const before = await waits()

    await editWithoutWebhook(id, { mobile: '+4700000003' })
    world.omnium.editCustomer(TENANT, 'B2C', id, { tags: ['vip'] })
    await eventually('the wait for the till', async () => (await waits()) > before)
    await tell(id)

    await eventually('the till’s edit in Omnium', () => inOmnium(id)?.phone === '+4700000003')
    expect(inOmnium(id)).toMatchObject({ tags: ['vip'] })
    expect(inFlow(id)).toMatchObject({ mobile: '+4700000003' })
    expect(await world.topics.records('customer-mapper.dead-letters.v1')).toEqual([])
  })

  it('is as the newer edit says where the older one does not come in time', async () => {
    const id = await linked()

    await editWithoutWebhook(id, { mobile: '+4700000004' })
    world.omnium.editCustomer(TENANT, 'B2C', id, { phone: '+4700000005' })

    await eventually('the web shop’s edit in Flow', () => inFlow(id)?.mobile === '+4700000005')
    expect(inOmnium(id)).toMatchObject({ phone: '+4700000005' })
  })
})
