import { rawOf } from '@sync/shared/http/reading'
import { readOmniumCustomer } from '@sync/shared/omnium/schema'
import { aCompany } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { mergeElements } from './merge-elements.ts'
import { answerInFlow, answerInOmnium } from './testing/answered.ts'
import { address, contact, given, idsIn, PHONE, settle } from './testing/company-lists.ts'
import { createWorld } from './testing/world.ts'

const AS_BEFORE = { contacts: ['c1', 'c2', 'web'], addresses: ['a1', 'a2', 'web'] }
const c1 = contact('c1', { mobile: PHONE })
const c2 = contact('c2', { mobile: PHONE })
const without = { customerContactUid: undefined, firstname: 'New' }

/** The company of `given` is edited in Flow, which answers `fields` in place of its lists. */
const edited = async (fields: object) => {
  const world = await given()
  world.flow.edit('2000', { city: 'Bergen' })
  const before = world.omnium.customer('B2B', '2000')!
  const outcome = await world.fromFlow('2000', { ...world.flow.customer('2000')!, ...fields } as never)
  return { world, outcome, before, after: world.omnium.customer('B2B', '2000')! }
}

describe('a list of Flow’s with an element that has no identity', () => {
  test.each<[string, 'contacts' | 'addresses', unknown[]]>([
    ['no contact has a uid', 'contacts', [{ firstname: 'c1' }, { firstname: 'c2' }]],
    ['one contact has no uid', 'contacts', [{ ...c1, customerContactUid: undefined }, c2]],
    ['a uid is null', 'contacts', [{ ...c1, customerContactUid: null }, c2]],
    ['a uid is empty', 'contacts', [c1, { ...c2, customerContactUid: '' }]],
    ['a uid is a dash', 'contacts', [c1, { ...c2, customerContactUid: ' - ' }]],
    ['one contact without a uid stands in place of both', 'contacts', [without]],
    ['a contact without a uid comes first', 'contacts', [without, { ...c1, firstname: 'Edited' }, c2]],
    ['an address has no uid', 'addresses', [address('a1'), { city: 'Oslo' }]],
    ['an address has the uid null', 'addresses', [{ ...address('a1'), customerAddressUid: null }, address('a2')]],
    ['two contacts of one uid differ', 'contacts', [c1, c2, { ...c1, firstname: 'Other' }]],
    ['two contacts of one uid differ in a field that one lacks', 'contacts', [c1, c2, { customerContactUid: 'c1' }]],
    ['two addresses of one uid differ', 'addresses', [address('a1'), address('a2'), address('a1', { city: 'Oslo' })]],
    ['all contacts have one uid', 'contacts', [c1, { ...c2, customerContactUid: 'c1' }]],
  ])('(%s) removes and changes none, and is named; other fields are written', async (_what, list, elements) => {
    const { world, outcome, before, after } = await edited({ [list]: elements })

    expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: [list] } })
    expect(outcome).toMatchObject({ effect: { changed: ['address.city'] } })
    expect(idsIn(world)).toEqual(AS_BEFORE)
    expect([after.contacts, after.addresses]).toEqual([before.contacts, before.addresses])
    expect(after.address?.city).toBe('Bergen')
    expect(after.properties).toContainEqual(before.properties?.find(({ key }) => key === 'flowElementIds'))
  })

  test('does not keep the other list from being written', async () => {
    const { world, outcome } = await edited({ contacts: [without], addresses: [address('a2')] })

    expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: ['contacts'] } })
    expect(idsIn(world)).toEqual({ contacts: AS_BEFORE.contacts, addresses: ['a2', 'web'] })
  })

  test('is written once each element has its uid again', async () => {
    const { world } = await edited({ contacts: [without, { ...c1, customerContactUid: null }] })
    world.flow.edit('2000', { contacts: [c2] })

    await settle(world)

    expect(idsIn(world).contacts).toEqual(['c2', 'web'])
  })

  test('is left out of a company that is created, and is named', async () => {
    const world = createWorld()
    world.flow.put(aCompany({ companyName: 'A', contacts: [c1, without], addresses: [address('a1')] } as never))

    const outcome = await world.fromFlow('2000')

    expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: ['contacts'] } })
    expect(world.omnium.customer('B2B', '2000')).not.toHaveProperty('contacts')
    expect(world.omnium.customer('B2B', '2000')?.addresses).toMatchObject([{ externalId: 'a1' }])
  })

  test('is named also where Flow is read again for the record', async () => {
    const world = await given()
    world.flow.edit('2000', { city: 'Bergen' })
    answerInFlow(world, { contacts: [c1, { ...c1, firstname: 'Other' }] })

    const outcome = await world.fromFlow('2000', world.flow.customer('2000'), { lane: 're-read' })

    expect(outcome).toMatchObject({ kind: 'done', notes: { unreadable: ['contacts'] } })
    expect(idsIn(world)).toEqual(AS_BEFORE)
  })
})

describe('two elements of one uid that say the same', () => {
  test.each<[string, unknown[]]>([
    ['in all fields', [c1, c2, c1]],
    ['in all mapped fields', [c1, { ...c1, displayName: 'Other', createdAt: '2026' }, c2]],
    ['with a uid of another type', [contact('7'), { ...contact('7'), customerContactUid: 7 }, c1, c2]],
  ])('(%s) are one', async (_what, contacts) => {
    const { outcome, after } = await edited({ contacts })

    expect(outcome.notes?.unreadable ?? []).toEqual([])
    const ids = new Set(after.contacts?.map(({ id }) => id))
    expect(ids).toEqual(new Set([...contacts.map((it) => String((it as typeof c1).customerContactUid)), 'web']))
    expect(after.contacts).toHaveLength(ids.size)
  })
})

describe('elements of Omnium’s without an id', () => {
  const theirs = {
    contacts: [
      { firstName: 'Web', phone: '', age: 47, note: { a: [1] } },
      { firstName: 'Web', phone: '', age: 47, note: { a: [1] } },
      { id: '', firstName: 'Empty' },
      { id: '-', firstName: 'Dash' },
      { id: null, firstName: 'Null' },
    ],
    addresses: [
      { line1: 'Web 1', x: 1 },
      { line1: 'Web 1', externalId: '' },
      { line1: 'Web 2', externalId: ' ' },
    ],
  }
  const withTheirs = async () => {
    const world = await given()
    const company = world.omnium.customer('B2B', '2000')!
    const lists = {
      contacts: [...theirs.contacts, ...company.contacts!],
      addresses: [...theirs.addresses, ...company.addresses!],
    }
    // The fake of Omnium's client answers what it holds, so the answer is read here.
    answerInOmnium(world, lists)
    return world
  }

  test('are sent back exactly as Omnium answered them, each by itself, when ours are changed and removed', async () => {
    const world = await withTheirs()
    world.flow.edit('2000', { contacts: [{ ...c1, firstname: 'New' }, c2], addresses: [address('a2')] })

    await world.fromFlow('2000')

    const sent = world.omnium.writes().map(({ body }) => body as Record<string, unknown[]>)
    const lists = Object.assign({}, ...sent) as Record<string, unknown[]>
    expect(lists.contacts?.slice(0, theirs.contacts.length)).toEqual(theirs.contacts)
    expect(lists.contacts?.slice(theirs.contacts.length)).toMatchObject([{ id: 'c1' }, { id: 'c2' }, { id: 'web' }])
    expect(lists.addresses?.slice(0, theirs.addresses.length)).toEqual(theirs.addresses)
    expect(lists.addresses?.slice(theirs.addresses.length)).toMatchObject([{ externalId: 'a2' }, { externalId: 'web' }])
  })

  test('are no difference while nothing of ours changes', async () => {
    const world = await withTheirs()
    world.flow.edit('2000', { city: 'Bergen' })

    expect(await world.fromFlow('2000')).toMatchObject({ kind: 'done', effect: { changed: ['address.city'] } })
  })

  test('stay where a PATCH merges lists', async () => {
    const world = await given({}, { omnium: { patchLists: 'merge-unless-told' } })
    const company = world.omnium.customer('B2B', '2000')!
    const [one, other] = [{ firstName: 'Web' }, { firstName: 'Till' }]
    world.omnium.put('B2B', { ...company, contacts: [one, other, ...company.contacts!] })
    world.flow.edit('2000', { contacts: [{ ...c1, firstname: 'New' }, c2] })

    await settle(world)

    expect(world.omnium.customer('B2B', '2000')?.contacts).toMatchObject([
      one,
      other,
      { id: 'c1', firstName: 'New' },
      { id: 'c2' },
      { id: 'web' },
    ])
  })

  test('are never taken for ours, whatever our property says', () => {
    const contacts = readOmniumCustomer({ customerId: '1', contacts: theirs.contacts })?.contacts ?? []

    const { elements, differs, old } = mergeElements(contacts, [], ['', '-', 'null'], 'id', 'NO', false)

    expect([elements, differs, old]).toEqual([contacts.map(rawOf), false, []])
  })
})
