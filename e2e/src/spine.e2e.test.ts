import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ file: 'spine' })
})
afterAll(() => world?.stop())

const person = (customerUid: string) => ({
  customerUid,
  customerType: 'PERSON',
  firstname: 'Kari',
  lastname: 'Eksempel',
  displayName: 'Kari Eksempel',
  email: `${customerUid}@example.com`,
  mobile: '+4799999999',
  address: 'Storgata 1',
  city: 'Oslo',
  postalCode: '0155',
})
const omniumPerson = (id: string) => world.omnium.customer(TENANT, 'B2C', id)

describe('a private customer', () => {
  it('registered at the till appears in Omnium, and its Omnium id is written back', async () => {
    world.flow.createCustomer(TENANT, person('p1'))

    await eventually('the customer in Omnium', () => omniumPerson('p1') !== undefined)
    await eventually('the external id in Flow', () => world.flow.customer(TENANT, 'p1')?.externalId === 'p1')
    expect(omniumPerson('p1')).toMatchObject({ firstName: 'Kari', email: 'p1@example.com', phone: '+4799999999' })
  })

  it('edited at the till is edited in Omnium', async () => {
    world.flow.editCustomer(TENANT, 'p1', { city: 'Bergen' })

    await eventually('the edit in Omnium', () => (omniumPerson('p1')?.address as { city?: string })?.city === 'Bergen')
  })
})

describe('a company', () => {
  it('gets its parent, and both records say so', async () => {
    const company = (customerUid: string, companyName: string) => ({
      customerUid,
      customerType: 'COMPANY',
      companyName,
    })
    world.flow.createCustomer(TENANT, company('b1', 'Parent AS'))
    world.flow.createCustomer(TENANT, { ...company('c1', 'Child AS'), parentCustomer: { customerUid: 'b1' } })

    const relations = (id: string) =>
      (
        (world.omnium.customer(TENANT, 'B2B', id)?.customerRelations ?? []) as {
          customerId: string
          relationType: string
        }[]
      ).map(({ customerId, relationType }) => `${relationType} ${customerId}`)
    await eventually(
      'both ends',
      () => relations('c1').includes('Parent b1') && relations('b1').includes('SubDepartment c1'),
    )
  })
})

describe('ids', () => {
  it.each(['ola+test@example.com', '100%/a b', 'kunde-\u{1F6D2}-æøå', '..', 'a?b#c'])(
    'are opaque, as in %s, in both directions',
    async (id) => {
      world.flow.createCustomer(TENANT, person(id))
      await eventually('the customer in Omnium', () => omniumPerson(id) !== undefined)
      await eventually('the external id in Flow', () => world.flow.customer(TENANT, id)?.externalId === id)

      const web = `web ${id}`
      world.omnium.createCustomer(TENANT, 'B2C', { customerId: web, firstName: 'Ola', lastName: 'Eksempel' })
      world.omnium.createOrder(TENANT, { id: `order ${id}`, customerId: web, customerType: 'B2C' })
      await eventually('the customer in Flow', () => world.flow.customer(TENANT, web) !== undefined)
    },
  )
})

describe('one id', () => {
  it('that is a private customer here and a company there is parked as a conflict, and nothing is written', async () => {
    world.omnium.createCustomer(TENANT, 'B2B', { customerId: 'both', name: 'Both AS' }, 'flow-sync')
    world.flow.createCustomer(TENANT, person('both'))

    await eventually('the dead letter', async () =>
      (await world.topics.records('customer-mapper.dead-letters.v1')).some(
        ({ key, headers }) => key === `${TENANT}:both` && headers['dl-reason'] === 'customer-type-conflict',
      ),
    )
    expect(omniumPerson('both')).toBeUndefined()
  })
})

describe('our own writes', () => {
  it('come back and cause no further ones', async () => {
    world.flow.createCustomer(TENANT, person('echo1'))
    await eventually('the external id in Flow', () => world.flow.customer(TENANT, 'echo1')?.externalId === 'echo1')

    await eventually('the end of what they caused', async () => {
      const outcomes = await world.topics.records('sync.outcomes.v1')
      return outcomes.some(({ value }) => value?.id === 'echo1' && value.reason === 'unchanged')
    })
    expect(world.omnium.journal.writes({ id: 'echo1' }).map(({ operation }) => operation)).toEqual(['created'])
    expect(world.flow.journal.writes({ id: 'echo1' }).map(({ operation }) => operation)).toEqual(['created', 'updated'])
  })
})

describe('a customer that Omnium created', () => {
  it('is created in Flow, comes back as a Flow event, and changes nothing in Omnium until it is edited', async () => {
    const before = {
      customerId: 'web-company',
      name: 'Nettbutikk AS',
      email: 'main@example.com',
      address: {
        line1: 'Gata 1',
        line2: 'c/o',
        city: 'Oslo',
        postalCode: '0155',
        countryCode: 'NO',
        email: 'a@example.com',
      },
      contacts: [{ id: 'web-contact', firstName: 'Nina', roles: ['buyer'] }],
      externalIds: [{ id: 'voyado-7', providerName: 'Voyado' }],
    }
    world.omnium.createCustomer(TENANT, 'B2B', before)

    await eventually('the customer in Flow', () => world.flow.customer(TENANT, 'web-company') !== undefined)
    expect(world.flow.customer(TENANT, 'web-company')).toMatchObject({
      customerType: 'COMPANY',
      companyName: 'Nettbutikk AS',
      email: 'a@example.com',
      loyaltyId: 'voyado-7',
      externalId: 'web-company',
    })
    await eventually('the end of its own event', async () =>
      (await world.topics.records('sync.outcomes.v1')).some(
        ({ value }) =>
          value?.id === 'web-company' && value.topic.endsWith('flow.customers.v1') && value.reason === 'unchanged',
      ),
    )
    expect(world.omnium.journal.writes({ id: 'web-company' })).toHaveLength(1)

    world.flow.editCustomer(TENANT, 'web-company', { city: 'Bergen' })
    await eventually(
      'the edit',
      () =>
        (world.omnium.customer(TENANT, 'B2B', 'web-company')?.address as { city?: string } | undefined)?.city ===
        'Bergen',
    )
    expect(world.omnium.customer(TENANT, 'B2B', 'web-company')).toMatchObject({
      address: { line2: 'c/o' },
      contacts: [{ id: 'web-contact', roles: ['buyer'] }],
    })
  })
})

describe('orders of both systems', () => {
  it('land on their raw topics as their peers answered them', async () => {
    world.flow.putOrder(TENANT, { orderUid: 'f-order', storeUid: 'store-1', customerUid: 'p1', note: 'kept as it is' })
    world.omnium.createOrder(TENANT, { id: 'o-order', customerId: 'p1', customerType: 'B2C', custom: { deep: [1, 2] } })

    await eventually('the Flow order', async () =>
      (await world.topics.records('flow.orders.v1')).some(
        ({ key, value }) => key === `${TENANT}:p1` && value?.order.note === 'kept as it is',
      ),
    )
    await eventually('the Omnium order', async () =>
      (await world.topics.records('omnium.orders.v1')).some(
        ({ key, value }) =>
          key === `${TENANT}:p1` && JSON.stringify(value?.order.custom) === JSON.stringify({ deep: [1, 2] }),
      ),
    )
  })
})

describe('a customer deleted in Flow', () => {
  it('is a tombstone on its topic and stays in Omnium', async () => {
    world.flow.createCustomer(TENANT, person('gone'))
    await eventually('the link', () => world.flow.customer(TENANT, 'gone')?.externalId === 'gone')

    world.flow.deleteCustomer(TENANT, 'gone')

    await eventually('the tombstone', async () =>
      (await world.topics.records('flow.customers.v1')).some(
        ({ key, bytes }) => key === `${TENANT}:gone` && bytes === null,
      ),
    )
    await eventually('its end', async () =>
      (await world.topics.records('sync.outcomes.v1')).some(
        ({ value }) => value?.id === 'gone' && value.service === 'customer-mapper' && value.reason === 'deleted',
      ),
    )
    expect(omniumPerson('gone')).toBeDefined()
  })
})

describe('a web order', () => {
  it('of an unknown customer makes that customer exist in Flow', async () => {
    world.omnium.createCustomer(TENANT, 'B2C', {
      customerId: 'web@example.com',
      firstName: 'Ola',
      phone: '+4790000000',
    })
    world.omnium.createOrder(TENANT, { id: 'o1', customerId: 'web@example.com', customerType: 'B2C' })

    await eventually('the customer in Flow', () => world.flow.customer(TENANT, 'web@example.com') !== undefined)
    expect(world.flow.customer(TENANT, 'web@example.com')).toMatchObject({
      customerType: 'PERSON',
      firstname: 'Ola',
      lastname: '-',
      externalId: 'web@example.com',
    })
  })
})
