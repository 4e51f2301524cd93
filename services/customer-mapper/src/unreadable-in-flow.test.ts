import { type FlowCustomer, readFlowCustomer } from '@sync/shared/flow/schema'
import { anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { expect, test } from 'vitest'
import { decideFlowUpdate } from './decide-flow.ts'
import { answerInFlow } from './testing/answered.ts'
import { createWorld } from './testing/world.ts'

const wrote = { key: 'flowLastModifiedAt', value: '2026-01-01T09:00:00Z' }

test('a field of Flow’s own that cannot be read is not written over from Omnium, because Flow’s edit counts', () => {
  const flow = readFlowCustomer({ ...aPerson({ firstname: 'Kari' }), email: {} }) as FlowCustomer
  const omnium = { firstName: 'Karin', email: 'k@example.com', modified: '2026-01-03T00:00:00Z' }

  const ofTheirs = decideFlowUpdate('B2C', anOmniumCustomer(omnium), flow, aTenant())
  const ofOurs = decideFlowUpdate('B2C', anOmniumCustomer({ ...omnium, properties: [wrote] }), flow, aTenant())

  expect([ofTheirs, ofOurs]).toEqual([
    { do: 'update', fields: { firstname: 'Karin' } },
    { do: 'update', fields: { firstname: 'Karin' } },
  ])
})

test.each([
  ['another field is edited', { firstName: 'Karin', email: 'k@example.com' }, { kind: 'done' }],
  ['no other field is edited', { email: 'k@example.com' }, { kind: 'skipped', reason: 'unchanged' }],
])('and the outcome names the field where %s', async (_what, edit, end) => {
  const world = createWorld({ omniumCustomerEvents: 'update' })
  world.flow.put(aPerson({ firstname: 'Kari', email: 'old@example.com', externalId: '1000' }))
  await world.fromFlow('1000')
  answerInFlow(world, { email: {}, contacts: null })

  world.omnium.edit('B2C', '1000', edit)
  const outcome = await world.fromOmnium('B2C', '1000')

  expect(outcome).toMatchObject({ ...end, notes: { unreadable: ['email', 'contacts'] } })
  expect(world.flow.customer('1000')?.email).toBe('old@example.com')
})

test('a link in Flow that cannot be read is left alone, and named', async () => {
  const world = createWorld()
  world.flow.put(aPerson({ externalId: 'other-system' }))
  answerInFlow(world, { externalId: {} })

  const outcome = await world.fromFlow('1000', aPerson({ firstname: 'Kari' }))

  expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: ['externalId'] } })
  expect(world.flow.writes()).toEqual([])
})
