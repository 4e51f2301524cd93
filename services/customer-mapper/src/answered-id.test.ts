import { SyncError } from '@sync/shared/errors'
import { skipped } from '@sync/shared/outcome'
import { aPerson } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { createWorld } from './testing/world.ts'

const at = (second: number) => `2026-01-01T00:00:0${second}Z`

describe('an Omnium that uses the e-mail as the id of a customer', () => {
  const byEmail = { idOf: (body: Readonly<Record<string, unknown>>) => String(body.email ?? body.customerId) }
  const created = async () => {
    const world = createWorld({}, { omnium: byEmail })
    world.flow.put(aPerson({ firstname: 'A', email: 'kari@example.com', lastModifiedAt: at(1) }))
    const outcome = await world.fromFlow('1000')
    return { world, outcome }
  }

  test('has its id linked at once, and the property that names the Flow customer is in the create', async () => {
    const { world, outcome } = await created()

    expect(outcome).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
    expect(world.flow.customer('1000')).toMatchObject({ externalId: 'kari@example.com' })
    expect(world.omnium.writes()).toMatchObject([
      { operation: 'createCustomer', body: { properties: [{ key: 'flowUid', value: 'acme:1000' }, {}] } },
    ])
  })

  test('gets later edits under its own id, also an edit of the e-mail', async () => {
    const { world } = await created()
    world.forget()

    world.flow.edit('1000', { email: 'kari@example.org', firstname: 'B' })
    await world.fromFlow('1000')

    expect(world.omnium.writes()).toMatchObject([{ operation: 'updatePrivateCustomer', id: 'kari@example.com' }])
    expect(world.omnium.customer('B2C', 'kari@example.com')).toMatchObject({
      email: 'kari@example.org',
      firstName: 'B',
    })
  })

  test('gets later edits also where externalId is the id of another system', async () => {
    const world = createWorld({}, { omnium: byEmail })
    world.flow.put(aPerson({ firstname: 'A', email: 'kari@example.com', externalId: 'erp-7' }))
    await world.fromFlow('1000')

    world.flow.edit('1000', { email: 'kari@example.org' })
    await world.fromFlow('1000')

    expect(world.omnium.writes().map(({ operation }) => operation)).toEqual(['createCustomer', 'updatePrivateCustomer'])
    expect(world.flow.customer('1000')).toMatchObject({ externalId: 'erp-7' })
  })

  test('gets a customer whose externalId no path of Omnium takes', async () => {
    const world = createWorld()
    world.flow.put(aPerson({ externalId: 'erp/7 §' }))
    const refused = new SyncError('html-response', 'reading customer in omnium: 403 Forbidden with an HTML response')
    world.omnium.fail({ when: ({ id }) => id === 'erp/7 §', error: refused })

    expect(await world.fromFlow('1000')).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('gets a new customer also without the role for a search', async () => {
    const world = createWorld({}, { omnium: byEmail })
    const error = new SyncError('role-missing', 'searching customers in omnium: 403 Forbidden')
    world.omnium.fail({ when: ({ operation }) => operation === 'searchCustomers', error, times: 9 })
    world.flow.put(aPerson({ externalId: 'erp-7' }))

    expect(await world.fromFlow('1000')).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  })

  test('does not get the edit of a customer whom externalId names, but who is the counterpart of another', async () => {
    const world = createWorld()
    const properties = [{ key: 'flowUid', value: 'acme:1001' }]
    world.omnium.put('B2C', { customerId: 'ola@example.com', firstName: 'Ola', properties })
    world.flow.put(aPerson({ firstname: 'Kari', externalId: 'ola@example.com' }))

    await world.fromFlow('1000')

    expect(world.omnium.customer('B2C', 'ola@example.com')).toMatchObject({ firstName: 'Ola' })
    expect(world.omnium.customer('B2C', '1000')).toMatchObject({ firstName: 'Kari' })
  })

  test('and its order and its own record create no second customer in Flow', async () => {
    const { world } = await created()
    const id = 'kari@example.com'
    world.flow.forget()

    expect(await world.fromOrder({ customerId: id, customerType: 'B2C' })).toEqual(skipped('exists'))
    expect(await world.fromOmnium('B2C', id)).toEqual(skipped('exists'))
    expect(await world.fromOmnium('B2C', id, { repair: true })).toEqual(skipped('exists'))
    expect(world.flow.writes()).toEqual([])
  })
})

test('a Flow that answers a create with another uid gets no second customer with the next order', async () => {
  const world = createWorld({}, { flow: { uidOf: () => 'F-77' } })
  world.omnium.put('B2C', { customerId: 'kari@example.com', firstName: 'A' })
  const order = { customerId: 'kari@example.com', customerType: 'B2C' }

  expect(await world.fromOrder(order)).toMatchObject({ kind: 'done', effect: { operation: 'created' } })
  expect(await world.fromOrder(order)).toEqual(skipped('exists'))
  expect(await world.fromOmnium('B2C', 'kari@example.com')).toEqual(skipped('exists'))
  expect(world.flow.writes()).toHaveLength(1)
})

test('a Flow of which we may not read lists gets a customer with its order', async () => {
  const world = createWorld()
  const error = new SyncError('role-missing', 'listing customers in flow: 403 Forbidden')
  world.flow.fail({ when: ({ operation }) => operation === 'findByExternalId', error, times: 9 })
  world.omnium.put('B2C', { customerId: '1000' })

  expect(await world.fromOrder({ customerId: '1000' })).toMatchObject({
    kind: 'done',
    effect: { operation: 'created' },
  })
})

describe('an id in the answer that differs only in case', () => {
  const lower = { idOf: (body: Readonly<Record<string, unknown>>) => String(body.customerId).toLowerCase() }

  test('is linked, and later edits find it, when no other customer is linked to it', async () => {
    const world = createWorld({}, { omnium: lower })
    world.flow.put(aPerson({ customerUid: 'AB', firstname: 'A', lastModifiedAt: at(1) }))

    await world.fromFlow('AB')
    world.flow.edit('AB', { firstname: 'B' })
    await world.fromFlow('AB')

    expect(world.flow.customer('AB')).toMatchObject({ externalId: 'ab' })
    expect(world.omnium.customer('B2C', 'ab')).toMatchObject({ firstName: 'B' })
  })

  test('is not linked when it is the uid of another customer', async () => {
    const world = createWorld({}, { omnium: lower })
    world.flow.put(aPerson({ customerUid: 'AB' }))
    world.flow.put(aPerson({ customerUid: 'ab' }))

    expect(await world.fromFlow('AB')).toMatchObject({ kind: 'retry', reason: 'identity-mismatch' })
    expect(world.flow.writes()).toEqual([])
  })

  test('is not taken from Flow when Flow has linked it to another customer', async () => {
    const world = createWorld({}, { flow: { uidOf: () => 'ab' } })
    world.omnium.put('B2C', { customerId: 'AB' })
    world.flow.after(({ operation }) => {
      if (operation === 'createCustomer') world.flow.put(aPerson({ customerUid: 'ab', externalId: 'other' }))
    })

    expect(await world.fromOrder({ customerId: 'AB' })).toMatchObject({ kind: 'retry', reason: 'identity-mismatch' })
  })
})
