import type { Call } from '@sync/shared/http/call'
import { aCompany, aFlowSnapshot, aPerson } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

type World = ReturnType<typeof createWorld>
type Target = 'flow' | 'omnium'

const WRITES = ['createCustomer', 'updatePrivateCustomer', 'patchCustomer', 'updateCustomer', 'deleteContactPerson']

/** Every request to the target, and the slot in which it was sent. */
function watch(world: World, target: Target) {
  const sent: { operation: string; slot: unknown; id: string }[] = []
  const client = world[target] as unknown as Record<string, (call: Call, ...rest: unknown[]) => unknown>
  for (const operation of ['getCustomer', ...WRITES]) {
    const method = client[operation]
    if (method === undefined) continue
    client[operation] = (call, ...rest) => {
      sent.push({ operation, slot: call.slots?.[target], id: String(rest.at(-1)) })
      return method(call, ...rest)
    }
  }
  return sent
}

const EDITED_IN_OMNIUM = { firstName: 'Newer', modified: '2026-01-20T00:00:00Z' }
const edited = aPerson({ firstname: 'New', externalId: '1000', lastModifiedAt: '2026-01-10T00:00:00Z' })

test.each<[string, Record<string, unknown>, (world: World) => Promise<unknown>, number]>([
  [
    'a create and a link',
    {},
    (world) => {
      world.flow.put(aPerson())
      return world.fromFlow('1000')
    },
    2,
  ],
  [
    'an update of a private customer',
    {},
    (world) => {
      world.flow.put(edited)
      world.omnium.put('B2C', { customerId: '1000' })
      return world.fromFlow('1000')
    },
    1,
  ],
  [
    'an update that needs Flow read again',
    { omniumCustomerEvents: 'update' },
    async (world) => {
      world.flow.put({ ...edited, lastModifiedAt: '2026-01-21T00:00:00Z' })
      world.omnium.put('B2C', { customerId: '1000', ...EDITED_IN_OMNIUM })
      await world.fromFlow('1000', edited)
    },
    1,
  ],
  [
    'a create from an old snapshot',
    {},
    async (world) => {
      world.flow.put(edited)
      const old = aFlowSnapshot(edited, { fetchedAt: '2026-01-11T00:00:00Z' })
      await world.handle({ ...world.flowRecord(edited), value: old } as never)
    },
    1,
  ],
  [
    'an update of a business customer',
    {},
    (world) => {
      world.flow.put(aCompany({ companyName: 'New', externalId: '2000' }))
      world.omnium.put('B2B', { customerId: '2000', name: 'Old' })
      return world.fromFlow('2000')
    },
    1,
  ],
  [
    'a create in Flow for an order',
    {},
    (world) => {
      world.omnium.put('B2C', { customerId: '1000' })
      return world.fromOrder({ customerId: '1000' })
    },
    1,
  ],
  [
    'an update in Flow',
    { omniumCustomerEvents: 'update' },
    (world) => {
      world.flow.put(edited)
      world.omnium.put('B2C', { customerId: '1000', ...EDITED_IN_OMNIUM })
      return world.fromOmnium('B2C', '1000')
    },
    1,
  ],
])('%s reads by id in the slot of the write', async (_what, tenant, handle, writes) => {
  const world = createWorld(tenant)
  const sent = { flow: watch(world, 'flow'), omnium: watch(world, 'omnium') }

  await handle(world)

  let found = 0
  for (const requests of Object.values(sent)) {
    for (const [index, { operation, slot }] of requests.entries()) {
      if (!WRITES.includes(operation)) continue
      found++
      expect(slot).toBeDefined()
      const before = requests.slice(0, index).find((it) => it.operation === 'getCustomer' && it.slot === slot)
      expect(before).toBeDefined()
    }
  }
  expect(found).toBe(writes)
})
