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
