import { SyncError } from '@sync/shared/errors'
import { aCall } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createPatchLists } from './patch-lists.ts'
import { address, contact, given, idsIn, PHONE, settle, type World } from './testing/company-lists.ts'

describe('an Omnium that answers 400 to keepExistingListItems', () => {
  const refused = new SyncError('target-refused', 'updating customer in omnium: 400 Bad Request', { status: 400 })
  const withOption = (world: World) =>
    world.omnium.writes().filter(({ body }) => body?.keepExistingListItems !== undefined)

  test('is sent the PATCH without the option, and no PATCH with it any more', async () => {
    const world = await given()
    world.omnium.fail({ when: ({ body }) => body?.keepExistingListItems !== undefined, error: refused, times: 9 })

    world.flow.edit('2000', { addresses: [address('a2')] })
    expect(await settle(world)).toMatchObject({ kind: 'done' })
    world.flow.edit('2000', { addresses: [] })
    expect(await settle(world)).toMatchObject({ kind: 'done' })

    expect(idsIn(world).addresses).toEqual(['web'])
    expect(withOption(world)).toHaveLength(1)
  })

  test('for another reason is sent the option with the next PATCH', async () => {
    const world = await given()
    world.omnium.fail({ when: ({ operation }) => operation === 'patchCustomer', error: refused, times: 2 })

    world.flow.edit('2000', { addresses: [address('a2')] })
    expect(await settle(world)).toMatchObject({ kind: 'park', reason: 'refused' })
    await settle(world, { lane: 'redriven' })

    expect(withOption(world)).toHaveLength(2)
  })
})

test('a contact is removed although Omnium refuses to delete a contact', async () => {
  const world = await given()
  world.omnium.fail({
    when: ({ operation }) => operation === 'deleteContactPerson',
    error: new SyncError('target-refused', 'deleting contact in omnium: 405', { status: 405 }),
  })
  world.flow.edit('2000', { contacts: [contact('c1', { mobile: PHONE })] })

  await settle(world)

  expect(idsIn(world).contacts).toEqual(['c1', 'web'])
})

test('a list that Omnium made no statement about is only added to, beside a list that is replaced', async () => {
  const sent: object[] = []
  const patchLists = createPatchLists({
    patchCustomer: async (_call, _kind, body) => {
      sent.push(body)
      return 'updated'
    },
  })
  const body = { customerId: '2000', name: 'A', contacts: [{ id: 'c1' }], addresses: [{ externalId: 'a1' }] }
  const old = [{ list: 'contacts', id: 'c2', why: 'removed' }] as const

  await patchLists(aCall(), 'B2B', body, { old, unstated: ['addresses'] })

  expect(sent).toEqual([
    { customerId: '2000', name: 'A', addresses: [{ externalId: 'a1' }] },
    {
      customerId: '2000',
      contacts: [{ id: 'c1' }],
      keepExistingListItems: false,
      keepExistingCustomProperties: true,
    },
  ])
})
