import { expect, test } from 'vitest'
import { SyncError } from '../errors.ts'
import { aCall, aPerson, aTenant } from './builders.ts'
import { createFakeFlow } from './fake-flow.ts'
import { createFakeOmnium } from './fake-omnium.ts'
import { createFakePublisher } from './fake-publisher.ts'

const call = aCall()

test('an Omnium PATCH merges properties, replaces lists and the address whole, clears by null, leaves the rest', async () => {
  const omnium = createFakeOmnium({ now: () => '2026-03-01T00:00:00Z' })
  omnium.put('B2B', {
    customerId: '7',
    name: 'Acme',
    taxId: '1',
    email: 'a@example.com',
    address: { line1: 'A 1', line2: 'gone' },
    contacts: [{ id: 'gone' }],
    customerRelations: [{ customerId: '9' }],
    properties: [
      { key: 'a', value: '1', keyGroup: 'g' },
      { key: 'b', value: '2' },
    ],
    modified: '2026-01-01T00:00:00Z',
  })

  const answer = await omnium.patchCustomer(call, 'B2B', {
    customerId: '7',
    taxId: null,
    address: { line1: 'B 1' },
    contacts: [{ id: 'c1' }],
    properties: [
      { key: 'b', value: '3' },
      { key: 'c', value: '4' },
    ],
    modified: 'not in this model',
  })

  expect(answer).toBe('updated')
  expect(omnium.customer('B2B', '7')).toEqual({
    customerId: '7',
    name: 'Acme',
    taxId: null,
    email: 'a@example.com',
    address: { line1: 'B 1' },
    contacts: [{ id: 'c1' }],
    customerRelations: [{ customerId: '9' }],
    properties: [
      { key: 'a', value: '1', keyGroup: 'g' },
      { key: 'b', value: '3' },
      { key: 'c', value: '4' },
    ],
    modified: '2026-03-01T00:00:00Z',
  })
})

test("Omnium's private update replaces the model, its times too, and calculates the full name", async () => {
  const omnium = createFakeOmnium()
  await omnium.createCustomer(call, 'B2C', { customerId: '7', firstName: 'A', email: 'gone@example.com' })

  await omnium.updatePrivateCustomer(call, {
    customerId: '7',
    firstName: 'A',
    lastName: 'B',
    fullName: 'x',
    modified: '2020-01-01T00:00:00Z',
  })

  expect(omnium.customer('B2C', '7')).toEqual({
    customerId: '7',
    firstName: 'A',
    lastName: 'B',
    fullName: 'A B',
    modified: '2020-01-01T00:00:00Z',
  })
})

test('what is not there, and what is there already', async () => {
  const omnium = createFakeOmnium()
  const flow = createFakeFlow()
  omnium.put('B2C', { customerId: '7' })
  flow.put(aPerson({ customerUid: '7' }))

  expect(await omnium.createCustomer(call, 'B2C', { customerId: '7' })).toEqual({ end: 'exists' })
  expect(await omnium.patchCustomer(call, 'B2B', { customerId: '7' })).toBe('not-found')
  expect(await omnium.updatePrivateCustomer(call, { customerId: '8' })).toBe('not-found')
  expect(await omnium.getCustomer(call, 'B2B', '7')).toBeNull()
  expect(await flow.createCustomer(call, { customerUid: '7', customerType: 'PERSON' })).toEqual({ end: 'exists' })
  expect(await flow.updateCustomer(call, '8', { externalId: '8' })).toBe('not-found')
  expect(await flow.getCustomer(call, '8')).toBeNull()
})

test("tenants don't see each other, and nobody holds the stored object", async () => {
  const flow = createFakeFlow()
  const other = aCall({ tenant: aTenant({ uid: 'other' }) })
  flow.put(aPerson({ firstname: 'A' }))

  const customer = await flow.getCustomer(call, '1000')
  if (customer) customer.firstname = 'changed by the reader'

  expect(flow.customer('1000')).toMatchObject({ firstname: 'A' })
  expect(await flow.getCustomer(other, '1000')).toBeNull()
})

test('a Flow PUT merges its fields and is newer', async () => {
  const flow = createFakeFlow()
  flow.put(aPerson({ mobile: '1', firstname: 'A' }))

  await flow.updateCustomer(call, '1000', { mobile: null })
  const edited = flow.edit('1000', { firstname: 'B' })

  expect(edited).toMatchObject({ mobile: null, firstname: 'B', lastModifiedAt: '2026-01-01T12:00:02.000Z' })
})

test('a failure comes before the write or after it, as often as told, to the calls that match', async () => {
  const omnium = createFakeOmnium()
  const error = new SyncError('target-timeout', 'creating customer in omnium: timed out')
  omnium.fail({ when: ({ id }) => id === '1', error })
  omnium.fail({ when: ({ id }) => id === '2', at: 'after', times: 2, error })

  for (const customerId of ['1', '2'])
    await expect(omnium.createCustomer(call, 'B2C', { customerId })).rejects.toBe(error)
  await expect(omnium.getCustomer(call, 'B2C', '2')).rejects.toBe(error)

  expect(await omnium.getCustomer(call, 'B2C', '1')).toBeNull()
  expect(await omnium.getCustomer(call, 'B2C', '2')).toMatchObject({ customerId: '2' })
  expect(omnium.writes()).toMatchObject([{ id: '1' }, { operation: 'createCustomer', kind: 'B2C', tenant: 'acme' }])
})

test('the fence is asked before anything is sent or published', async () => {
  const flow = createFakeFlow()
  const publisher = createFakePublisher()
  const fence = () => {
    throw new SyncError('fenced', 'sending: not ours')
  }

  await expect(flow.createCustomer(aCall({ fence }), aPerson())).rejects.toThrow('not ours')
  await expect(publisher.publish('sync.cursors.v1', [{ key: 'k', value: null }], fence)).rejects.toThrow('not ours')

  expect(flow.journal).toEqual([])
  expect(publisher.published).toEqual([])
})

test('what is published has to keep its contract', async () => {
  const publisher = createFakePublisher()
  const broken = { type: 'parent-observed' } as never

  await expect(publisher.publish('company.parent-changes.v1', [{ key: 'k', value: broken }])).rejects.toThrow()
  expect(publisher.values('company.parent-changes.v1')).toEqual([])
})

test('pages come in order of modification', async () => {
  const omnium = createFakeOmnium()
  const flow = createFakeFlow()
  for (const n of [3, 1, 2]) {
    omnium.put('B2C', { customerId: String(n), modified: `2026-01-0${n}T00:00:00Z` })
    flow.put(aPerson({ customerUid: String(n), lastModifiedAt: `2026-01-0${n}T00:00:00Z` }))
  }

  const page = await omnium.searchCustomers(call, 'B2C', { take: 1, page: 1, modifiedFrom: '2026-01-02T00:00:00Z' })
  const listed = await flow.listCustomers(call, {
    pageNumber: 1,
    pageSize: 2,
    sortBy: 'lastModifiedAt',
    sortDirection: 'DESC',
  })

  expect(page).toMatchObject({ result: [{ customerId: '3' }], totalHits: 2 })
  expect(listed).toMatchObject({ items: [{ customerUid: '3' }, { customerUid: '2' }], paging: { totalCount: 3 } })
})
