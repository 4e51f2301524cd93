import { randomUUID } from 'node:crypto'
import { keyOf } from '@sync/shared/kafka/publisher'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startWorld, type World } from './world.ts'

/** One tenant for each way in which Omnium may treat the lists of a PATCH, and for each way in which we write. */
const LIST_MODES = ['replace', 'merge', 'merge-unless-told'] as const
const [ASKING, SLOW, PATCHING, BY_EMAIL, PLAIN] = ['asking', 'slow', 'patching', 'by-email', 'plain'] as const

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'peers-writes',
    tenants: [...LIST_MODES, ASKING, SLOW, PATCHING, BY_EMAIL, PLAIN],
    omniumFields: (uid) => ({
      ...(uid === ASKING && { listRemoval: 'update' }),
      ...(uid === PATCHING && { privateUpdates: 'patch' }),
      ...(uid === SLOW && { requestsPerSecond: 2 }),
    }),
  })
  for (const mode of LIST_MODES) world.omnium.setModes(mode, { patchLists: mode })
  world.omnium.setModes(ASKING, { patchLists: 'merge' })
  world.omnium.setModes(BY_EMAIL, { customerIdField: 'Email' })
  // Then the mapper alone reads the customers of these tenants by id.
  for (const uid of [...LIST_MODES, SLOW, PATCHING]) world.omnium.configureTenant(uid, { webhook: null })
})
afterAll(() => world?.stop())

const newId = () => `w${randomUUID().slice(0, 8)}`
const PHONE = '+4700000001'
const contact = (id: string, fields = {}) => ({ customerContactUid: id, firstname: id, mobile: PHONE, ...fields })
const address = (id: string, fields = {}) => ({ customerAddressUid: id, address: `${id} 1`, city: 'Oslo', ...fields })
const inOmnium = (tenant: string, id: string, kind: 'B2C' | 'B2B' = 'B2C') => world.omnium.customer(tenant, kind, id)
const elements = (tenant: string, id: string, list: 'contacts' | 'addresses') =>
  (inOmnium(tenant, id, 'B2B')?.[list] ?? []) as Record<string, string>[]
const lists = (tenant: string, id: string) => ({
  contacts: elements(tenant, id, 'contacts').map((it) => it.id),
  addresses: elements(tenant, id, 'addresses').map((it) => it.externalId),
})
const isAs = (tenant: string, id: string, contacts: string[], addresses: string[]) => {
  const now = lists(tenant, id)
  return now.contacts.toSorted().join() === contacts.join() && now.addresses.toSorted().join() === addresses.join()
}
const relations = (tenant: string, id: string) =>
  ((inOmnium(tenant, id, 'B2B')?.customerRelations ?? []) as Record<string, string>[])
    .map(({ relationType, customerId }) => `${relationType} ${customerId}`)
    .toSorted()
const linkedInFlow = (tenant: string, uid: string) => world.flow.customer(tenant, uid)?.externalId

/** A company of two contacts with one phone and two addresses, and one of each that another system added in Omnium. */
async function company(tenant: string) {
  const id = newId()
  world.flow.createCustomer(tenant, {
    ...{ customerUid: id, customerType: 'COMPANY', companyName: `Company ${id}` },
    contacts: [contact('c1'), contact('c2')],
    addresses: [address('a1'), address('a2')],
  })
  await eventually('its link', () => linkedInFlow(tenant, id) === id)
  world.omnium.editCustomer(tenant, 'B2B', id, {
    contacts: [...elements(tenant, id, 'contacts'), { id: 'web', firstName: 'Web', phone: PHONE }],
    addresses: [...elements(tenant, id, 'addresses'), { externalId: 'web', line1: 'Web 1' }],
  })
  return id
}

/** Somebody edits the customer in Omnium right after the next read of it by our API user. */
async function afterNextRead(tenant: string, id: string, edit: () => void): Promise<void> {
  const after = world.omnium.journal.lastSeq()
  await world.omnium.journal.next(
    (entry) =>
      entry.kind === 'request' &&
      entry.seq > after &&
      entry.tenant === tenant &&
      entry.method === 'GET' &&
      entry.status === 200 &&
      entry.path.endsWith(`/${encodeURIComponent(id)}`),
  )
  edit()
}

describe.each([...LIST_MODES, ASKING])('where a PATCH is to treat lists as the mode %s says', (tenant) => {
  it('a contact and an address that are removed at the till are removed within 30 s, and no other', async () => {
    const id = await company(tenant)

    world.flow.editCustomer(tenant, id, { contacts: [contact('c1')], addresses: [address('a2')] })

    await eventually('the removal', () => isAs(tenant, id, ['c1', 'web'], ['a2', 'web']), 30_000)
    expect(elements(tenant, id, 'contacts').map(({ phone }) => phone)).toEqual([PHONE, PHONE])
  })

  it('an address that is changed at the till stands there once, in its new form, within 30 s', async () => {
    const id = await company(tenant)

    world.flow.editCustomer(tenant, id, { addresses: [address('a1', { city: 'Bergen' }), address('a2')] })

    const cities = () => elements(tenant, id, 'addresses').filter(({ externalId }) => externalId === 'a1')
    await eventually(
      'the change',
      () =>
        cities()
          .map(({ city }) => city)
          .join() === 'Bergen',
      30_000,
    )
    expect(isAs(tenant, id, ['c1', 'c2', 'web'], ['a1', 'a2', 'web'])).toBe(true)
  })

  it('a company that moves, and then has no parent, has both ends of each relation right within 30 s, and keeps others', async () => {
    const [child, former, next] = [newId(), newId(), newId()]
    const partner = { customerId: 'a-partner', customerType: 'B2B', relationType: 'Partner' }
    const typed = (uid: string, parent: string | null) => ({
      ...{ customerUid: uid, customerType: 'COMPANY', companyName: `Company ${uid}` },
      parentCustomer: parent === null ? null : { customerUid: parent },
    })
    const parentCustomer = (uid: string) => ({ parentCustomer: { customerUid: uid } })
    for (const uid of [former, next]) world.flow.createCustomer(tenant, typed(uid, null))
    world.flow.createCustomer(tenant, typed(child, former))
    await eventually('the first relation', () => relations(tenant, former).join() === `SubDepartment ${child}`)
    for (const uid of [child, former, next]) {
      const customerRelations = [...((inOmnium(tenant, uid, 'B2B')?.customerRelations ?? []) as object[]), partner]
      world.omnium.editCustomer(tenant, 'B2B', uid, { customerRelations })
    }
    const are = (wanted: Readonly<Record<string, readonly string[]>>) =>
      Object.entries(wanted).every(
        ([uid, others]) => relations(tenant, uid).join() === ['Partner a-partner', ...others].toSorted().join(),
      )

    world.flow.editCustomer(tenant, child, parentCustomer(next))
    await eventually(
      'the move',
      () => are({ [child]: [`Parent ${next}`], [former]: [], [next]: [`SubDepartment ${child}`] }),
      30_000,
    )
    world.flow.editCustomer(tenant, child, { parentCustomer: null })
    await eventually('the end of the relation', () => are({ [child]: [], [former]: [], [next]: [] }), 30_000)
  })
})

describe('what another system sets between our read and our write', () => {
  it('survives in a private customer and in a company also when the rate limiter is full', async () => {
    const ids = Array.from({ length: 6 }, newId)
    const kindOf = (index: number) => (index % 2 === 0 ? 'B2C' : 'B2B') as 'B2C' | 'B2B'
    for (const [index, id] of ids.entries()) {
      world.omnium.seed(SLOW, kindOf(index), [{ customerId: id, phone: '1' }])
      world.flow.createCustomer(SLOW, {
        ...{ customerUid: id, externalId: id, customerType: index % 2 === 0 ? 'PERSON' : 'COMPANY', mobile: PHONE },
      })
    }
    const theirs = { tags: ['vip'], properties: [{ key: 'tier', value: 'gold' }], preferredLanguage: 'nb' }
    // A write follows its read at once. Seven tenths of a second later it is over, however busy this machine is.
    const edits = ids.map((id, index) =>
      afterNextRead(SLOW, id, () => {
        setTimeout(() => world.omnium.editCustomer(SLOW, kindOf(index), id, theirs), 700)
      }),
    )

    await Promise.all(edits)
    for (const [index, id] of ids.entries()) {
      const customer = () => inOmnium(SLOW, id, kindOf(index))
      await eventually('both edits', () => customer()?.phone === PHONE && customer()?.preferredLanguage === 'nb')
      expect(customer()).toMatchObject({ tags: ['vip'] })
      expect(customer()?.properties).toContainEqual(expect.objectContaining({ key: 'tier', value: 'gold' }))
    }
  })

  it('survives in a private customer of a tenant with privateUpdates: patch, whenever it comes', async () => {
    const id = newId()
    world.omnium.seed(PATCHING, 'B2C', [{ customerId: id, phone: '1', created: '2024-01-01T00:00:00.000Z' }])
    const edited = afterNextRead(PATCHING, id, () =>
      world.omnium.editCustomer(PATCHING, 'B2C', id, { tags: ['vip'], bonusPoints: 7, preferredLanguage: 'nb' }),
    )
    world.flow.createCustomer(PATCHING, { customerUid: id, customerType: 'PERSON', externalId: id, mobile: PHONE })

    await edited
    await eventually('our edit', () => inOmnium(PATCHING, id)?.phone === PHONE)

    expect(inOmnium(PATCHING, id)).toMatchObject({ tags: ['vip'], bonusPoints: 7, preferredLanguage: 'nb' })
    expect(inOmnium(PATCHING, id)).toMatchObject({ created: '2024-01-01T00:00:00.000Z' })
  })

  it.each(['merge', 'merge-unless-told'])(
    'survives as a contact of a company where a PATCH is to %s',
    async (tenant) => {
      const id = await company(tenant)
      const added = afterNextRead(tenant, id, () =>
        world.omnium.editCustomer(tenant, 'B2B', id, {
          contacts: [...elements(tenant, id, 'contacts'), { id: 'new', firstName: 'New' }],
        }),
      )
      world.flow.editCustomer(tenant, id, { contacts: [contact('c1', { firstname: 'Kari' }), contact('c2')] })

      await added
      await eventually('our edit', () => elements(tenant, id, 'contacts').some(({ firstName }) => firstName === 'Kari'))

      expect(lists(tenant, id).contacts.toSorted()).toEqual(['c1', 'c2', 'new', 'web'])
    },
  )
})

describe('a create that is answered 409', () => {
  it('by a Flow that has no customer with this uid is parked as refused, and the dead letter says what Flow answered', async () => {
    world.flow.setModes(PLAIN, { uniqueEmails: 409 })
    const [first, second] = [newId(), newId()]
    const email = `${first}@example.com`
    world.flow.createCustomer(PLAIN, { customerUid: first, customerType: 'PERSON', email })
    world.omnium.seed(PLAIN, 'B2C', [{ customerId: second, firstName: 'Kari', email }])

    world.omnium.createOrder(PLAIN, { id: `order-${second}`, customerId: second, customerType: 'B2C' })

    const letters = async () =>
      (await world.topics.records('customer-mapper.dead-letters.v1')).filter(({ key }) => key === keyOf(PLAIN, second))
    await eventually('the dead letter', async () => (await letters()).length > 0)
    const [letter] = await letters()
    expect(letter?.headers).toMatchObject({ 'dl-reason': 'refused' })
    expect(letter?.headers['dl-message']).toContain('409')
    expect(JSON.stringify(letter?.headers)).not.toMatch(/Kari|example\.com/)
    expect(world.flow.customer(PLAIN, second)).toBeUndefined()
  })
})

describe('an Omnium that uses the e-mail as the id of a customer', () => {
  it('has one customer for each customer of Flow, through edits, also of the e-mail, and orders', async () => {
    const uid = newId()
    const email = `${uid}@example.com`
    world.flow.createCustomer(BY_EMAIL, { customerUid: uid, customerType: 'PERSON', firstname: 'Kari', email })
    await eventually('its link', () => linkedInFlow(BY_EMAIL, uid) === email)

    world.flow.editCustomer(BY_EMAIL, uid, { email: `${uid}@example.org`, mobile: PHONE })
    await eventually('the edit', () => inOmnium(BY_EMAIL, email)?.phone === PHONE)
    world.omnium.createOrder(BY_EMAIL, { id: `order-${uid}`, customerId: email, customerType: 'B2C' })
    const ends = async () =>
      (await world.topics.records('sync.outcomes.v1')).filter(
        ({ value }) =>
          value?.service === 'customer-mapper' && value.topic.endsWith('omnium.orders.v1') && value.id === email,
      )
    await eventually('the end of the order', async () => (await ends()).length > 0)

    expect((await ends()).map(({ value }) => value?.reason)).toEqual(['exists'])
    expect(inOmnium(BY_EMAIL, email)).toMatchObject({ email: `${uid}@example.org` })
    expect(world.omnium.customers(BY_EMAIL, 'B2C').map(({ customerId }) => customerId)).toEqual([email])
    expect(world.flow.customers(BY_EMAIL).map(({ customerUid }) => customerUid)).toEqual([uid])
  })
})
