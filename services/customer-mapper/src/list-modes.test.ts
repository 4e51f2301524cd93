import type { PatchLists } from '@sync/shared/testing/fake-omnium'
import { describe, expect, test } from 'vitest'
import { address, contact, given, idsIn, PHONE, removeInOmnium, settle } from './testing/company-lists.ts'

const MODES: readonly PatchLists[] = ['replace', 'merge', 'merge-unless-told']

describe.each(MODES)('where a PATCH is to %s lists', (patchLists) => {
  const modes = { omnium: { patchLists } }

  test('a contact and an address that are removed at the till are removed, and all others stay', async () => {
    const world = await given({}, modes)

    world.flow.edit('2000', { contacts: [contact('c1', { mobile: PHONE })], addresses: [address('a2')] })
    await settle(world)

    expect(idsIn(world).contacts.toSorted()).toEqual(['c1', 'web'])
    expect(idsIn(world).addresses.toSorted()).toEqual(['a2', 'web'])
    const deletes = world.omnium.writes().filter(({ operation }) => operation === 'deleteContactPerson')
    expect(deletes.map(({ body }) => body)).toEqual([{ contactPersonId: 'c2' }])
  })

  test('all that are removed at once are removed, and so is what is added again later', async () => {
    const world = await given({}, modes)

    world.flow.edit('2000', { contacts: [], addresses: [] })
    await settle(world)
    expect(idsIn(world)).toEqual({ contacts: ['web'], addresses: ['web'] })

    world.flow.edit('2000', { contacts: [contact('c1')], addresses: [address('a1')] })
    await settle(world)
    expect(idsIn(world)).toEqual({ contacts: ['web', 'c1'], addresses: ['web', 'a1'] })

    world.flow.edit('2000', { contacts: [], addresses: [] })
    await settle(world)
    expect(idsIn(world)).toEqual({ contacts: ['web'], addresses: ['web'] })
  })

  test('a changed contact and a changed address stand there once, in their new form', async () => {
    const world = await given({}, modes)

    world.flow.edit('2000', {
      contacts: [contact('c1', { mobile: '+4700000002' }), contact('c2', { mobile: PHONE })],
      addresses: [address('a1', { city: 'Bergen' }), address('a2')],
    })
    await settle(world)

    const { contacts, addresses } = world.omnium.customer('B2B', '2000')!
    expect(contacts!.filter(({ id }) => id === 'c1')).toMatchObject([{ phone: '+4700000002' }])
    expect(addresses!.filter(({ externalId }) => externalId === 'a1')).toMatchObject([
      { line1: 'a1 street', city: 'Bergen' },
    ])
    expect(idsIn(world).contacts.toSorted()).toEqual(['c1', 'c2', 'web'])
    expect(idsIn(world).addresses.toSorted()).toEqual(['a1', 'a2', 'web'])
  })

  test.each([
    ['an addition', { addresses: [address('a1'), address('a2'), address('a3')] }],
    ['a change', { addresses: [address('a1', { city: 'Bergen' }), address('a2')] }],
    ['a removal', { contacts: [], addresses: [] }],
    ['an edit of a field', { companyName: 'B' }],
  ])('%s is written a few times at most, and then never again', async (_what, edit) => {
    const world = await given({}, modes)

    world.flow.edit('2000', edit)
    await settle(world)
    expect(world.omnium.writes().length).toBeLessThanOrEqual(4)
    world.forget()
    await settle(world)
    await settle(world, { lane: 're-read' })
    world.flow.edit('2000', { internalNote: 'not mapped' })
    await settle(world)

    expect(world.omnium.writes()).toEqual([])
    expect(world.publisher.values('company.parent-changes.v1').map(({ type }) => type)).not.toContain('element-removed')
  })

  test('a contact that another system adds between our read and our write stays, where a PATCH can merge', async () => {
    const world = await given({}, modes)
    let isAdded = false
    world.omnium.before(({ operation }) => {
      if (operation !== 'patchCustomer' || isAdded) return
      isAdded = true
      const company = world.omnium.customer('B2B', '2000')!
      world.omnium.put('B2B', { ...company, contacts: [...company.contacts!, { id: 'new' }], tags: ['vip'] })
    })

    world.flow.edit('2000', {
      contacts: [contact('c1', { mobile: PHONE }), contact('c2'), contact('c3')],
      addresses: [address('a2')],
    })
    await settle(world)

    expect(world.omnium.customer('B2B', '2000')?.tags).toEqual(['vip'])
    expect(idsIn(world).contacts.includes('new')).toBe(patchLists !== 'replace')
    expect(idsIn(world).addresses.toSorted()).toEqual(['a2', 'web'])
  })

  test('with listRemoval: update, the Update of the company is asked for at once', async () => {
    const omnium = { ...(await given()).tenant.omnium, listRemoval: 'update' }
    const world = await given({ omnium }, modes)

    world.flow.edit('2000', { addresses: [address('a2', { city: 'Bergen' }), address('a3')] })
    const outcome = await world.fromFlow('2000')
    const asked = world.publisher
      .values('company.parent-changes.v1')
      .filter((value) => value.type === 'element-removed')
    await settle(world)

    expect(outcome).toMatchObject({ kind: 'done' })
    expect(asked).toMatchObject([
      { company: '2000', list: 'addresses', id: 'a1' },
      { company: '2000', list: 'addresses', id: 'a2' },
    ])
    expect(idsIn(world).addresses.toSorted()).toEqual(['a2', 'a3', 'web'])
    expect(world.omnium.customer('B2B', '2000')?.addresses).toContainEqual(
      expect.objectContaining({ externalId: 'a2', city: 'Bergen' }),
    )
  })
})

describe('an element that Omnium keeps', () => {
  const merge = { omnium: { patchLists: 'merge' as const } }

  test('is looked for at once, after 2 s and after 10 s, and then the Update of the company is asked for, once', async () => {
    const world = await given({}, merge)
    world.flow.edit('2000', { addresses: [address('a2')] })

    const first = await world.fromFlow('2000')
    world.pass(2_000)
    const second = await world.fromFlow('2000')
    world.pass(8_000)
    const third = await world.fromFlow('2000')

    expect(first).toMatchObject({ kind: 'retry', reason: 'removal-pending', afterMs: 2_000 })
    expect(second).toMatchObject({ kind: 'retry', reason: 'removal-pending', afterMs: 8_000 })
    expect(third).toMatchObject({ kind: 'done', effect: { operation: 'updated', changed: ['addresses'] } })
    const asked = world.publisher.published.filter(({ value }) => value !== null && 'list' in value)
    expect(asked).toMatchObject([
      {
        topic: 'company.parent-changes.v1',
        key: 'acme:2000',
        value: { type: 'element-removed', tenant: 'acme', company: '2000', list: 'addresses', id: 'a1' },
      },
    ])
    expect(world.omnium.writes()).toHaveLength(1)
  })

  test('and that a later read shows removed, is no longer waited for', async () => {
    const world = await given({}, merge)
    world.flow.edit('2000', { addresses: [address('a2')] })
    await world.fromFlow('2000')
    removeInOmnium(world, 'addresses', 'a1')
    world.pass(2_000)

    expect(await world.fromFlow('2000')).toMatchObject({ kind: 'done', effect: { changed: ['addresses'] } })
    expect(world.publisher.values('company.parent-changes.v1').map(({ type }) => type)).not.toContain('element-removed')
  })

  test('also after that Update is named by the outcome, and nothing more is asked for', async () => {
    const world = await given({}, merge)
    world.flow.edit('2000', { contacts: [contact('c1')], addresses: [address('a2')] })
    world.omnium.deleteContactPerson = async () => 'deleted'

    const outcome = await settle(world, {}, () => {})

    expect(outcome).toMatchObject({ kind: 'done', notes: { notRemoved: ['contacts', 'addresses'] } })
    expect(idsIn(world)).toMatchObject({ addresses: expect.arrayContaining(['a1']) })
  })

  test('keeps its id among ours until a read shows it removed', async () => {
    const world = await given({}, merge)
    const ours = () =>
      world.omnium.customer('B2B', '2000')?.properties?.find(({ key }) => key === 'flowElementIds')?.value
    world.flow.edit('2000', { addresses: [address('a2')] })

    await settle(world)
    expect(JSON.parse(ours() ?? '').addresses.toSorted()).toEqual(['a1', 'a2'])
    world.flow.edit('2000', { companyName: 'B' })
    await settle(world)

    expect(JSON.parse(ours() ?? '').addresses).toEqual(['a2'])
  })

  test('is removed also when the process that wrote the PATCH has ended', async () => {
    const world = await given({}, merge)
    world.flow.edit('2000', { addresses: [address('a1', { city: 'Bergen' }), address('a2')] })
    await world.fromFlow('2000')

    await settle(world.restarted())

    expect(idsIn(world).addresses.toSorted()).toEqual(['a1', 'a2', 'web'])
    expect(world.omnium.customer('B2B', '2000')?.addresses).toContainEqual(expect.objectContaining({ city: 'Bergen' }))
  })
})
