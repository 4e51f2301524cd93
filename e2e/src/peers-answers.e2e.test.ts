import { parseExact } from '@sync/sandbox/exact-json'
import type { ServiceName } from '@sync/shared/kafka/topics'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { atRest } from './at-rest.ts'
import { eventually } from './eventually.ts'
import { circuitsOf, deadLettersOf, newId, person } from './peer-customers.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

/** A tenant whose Omnium stores values in its own form. */
const FORMS = 'forms-no'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({
    file: 'peers-answers',
    tenants: [TENANT, FORMS],
    env: { RETRY_MAX_ATTEMPTS: '3' },
    tenantFields: () => ({ omniumCustomerEvents: 'update' }),
  })
  syncctl = await syncctlFor(world.env)
})
beforeEach(() => {
  world.flow.faults.clear()
  world.omnium.faults.clear()
  world.omnium.setModes(TENANT, { requiredAddressProperties: [] })
})
afterAll(() => world?.stop())

const inFlow = (id: string, tenant = TENANT) => world.flow.customer(tenant, id)
const inOmnium = (id: string, kind: 'B2C' | 'B2B' = 'B2C', tenant = TENANT) => world.omnium.customer(tenant, kind, id)
const order = (customerId: string) =>
  void world.omnium.createOrder(TENANT, { id: newId('order'), customerId, customerType: 'B2C', status: 'New' })
/** A customer of both, linked. */
const paired = async (id: string, fields: object = person(id)) => {
  world.flow.createCustomer(TENANT, { ...fields, customerUid: id })
  await eventually('the link', () => Boolean(inFlow(id)?.externalId))
}
const untilParked = async (id: string, service: ServiceName = 'customer-mapper') => {
  await eventually(`the dead letter of ${id}`, async () => (await deadLettersOf(world, id, service)).length > 0)
  const { headers } = (await deadLettersOf(world, id, service))[0]!
  return { reason: headers['dl-reason'], attempts: headers['dl-attempts'], message: headers['dl-message'] }
}
/** Circuits that are closed now, and were never open since `before`. */
const expectClosedSince = async (service: ServiceName, before: Awaited<ReturnType<typeof circuitsOf>>) => {
  const now = await circuitsOf(world, service)
  expect(now.every(({ state }) => state === 'closed')).toBe(true)
  for (const circuit of before) expect(now).toContainEqual(circuit)
}

describe('a new customer whose reads are answered', () => {
  it.each([
    ['204', { status: 204, answer: 'empty' }],
    ['200 with null', { status: 200, answer: 'null' }],
    ['200 with nothing', { status: 200, answer: 'empty' }],
    ['410', { status: 410, answer: 'json' }],
  ] as const)('%s is created in Omnium, and of a web order in Flow', async (_what, fault) => {
    const [fromTill, fromWeb] = [newId('till'), newId('web')]
    world.omnium.faults.add({ kind: 'missing-answer', tenant: TENANT, ...fault })
    world.flow.faults.add({ kind: 'missing-answer', tenant: TENANT, ...fault })

    world.flow.createCustomer(TENANT, person(fromTill))
    world.omnium.createCustomer(TENANT, 'B2C', { customerId: fromWeb, firstName: 'Ola', lastName: 'Nett' })
    order(fromWeb)

    await eventually('the customer in Omnium', () => inOmnium(fromTill) !== undefined)
    await eventually('the customer in Flow', () => inFlow(fromWeb) !== undefined)
    for (const id of [fromTill, fromWeb]) expect(await deadLettersOf(world, id, 'customer-mapper')).toEqual([])
  })
})

it('a firewall that answers 403 with an HTML response because of one name costs that customer alone', async () => {
  const [blocked, other] = [newId('blocked'), newId('other')]
  await paired(other)
  const before = await circuitsOf(world, 'customer-mapper')
  const contains = 'Select; Drop'
  world.omnium.faults.add({ kind: 'gateway', tenant: TENANT, status: 403, answer: 'html', contains })

  world.flow.createCustomer(TENANT, person(blocked, { lastname: contains }))
  for (let n = 0; n < 5; n++) {
    world.flow.editCustomer(TENANT, other, { city: `City ${n}` })
    await eventually(
      'the edit of the other',
      () => (inOmnium(other)?.address as { city?: string })?.city === `City ${n}`,
    )
  }

  const parked = await untilParked(blocked)
  expect(parked).toMatchObject({ reason: 'blocked-by-proxy', attempts: '3' })
  expect(parked.message).not.toContain('Drop')
  expect(await deadLettersOf(world, other, 'customer-mapper')).toEqual([])
  await expectClosedSince('customer-mapper', before)
})

it('an address without a property that Omnium requires costs only the edits without the property', async () => {
  const [incomplete, complete, other] = [newId('incomplete'), newId('complete'), newId('other')]
  const city = (id: string) => (inOmnium(id)?.address as { city?: string } | undefined)?.city
  await paired(complete, person(complete, { address: 'Storgata 1', city: 'Oslo' }))
  const before = await circuitsOf(world, 'customer-mapper')
  world.omnium.setModes(TENANT, { requiredAddressProperties: ['city'] })

  world.flow.createCustomer(TENANT, person(incomplete, { address: 'Storgata 2', city: null }))
  world.flow.editCustomer(TENANT, complete, { city: null })
  world.flow.createCustomer(TENANT, person(other, { address: 'Storgata 3', city: 'Bergen' }))

  await eventually('the other customer', () => city(other) === 'Bergen')
  for (const id of [incomplete, complete]) expect(await untilParked(id)).toMatchObject({ reason: 'refused' })
  expect([inOmnium(incomplete), city(complete)]).toEqual([undefined, 'Oslo'])
  await expectClosedSince('customer-mapper', before)

  for (const id of [incomplete, complete]) world.flow.editCustomer(TENANT, id, { city: 'Bergen' })

  await eventually('the edits with a city', () => [incomplete, complete].every((id) => city(id) === 'Bergen'))
})

describe('a write that is answered 200 with a refusal', () => {
  it.each(['error-count', 'success-false'] as const)('(%s) is parked as refused, at both peers', async (refusal) => {
    const [created, edited, ordered, renamed] = [newId('create'), newId('edit'), newId('order'), newId('rename')]
    await paired(edited)
    await paired(renamed)
    for (const peer of [world.omnium, world.flow]) {
      peer.faults.add({ kind: 'refused-in-body', tenant: TENANT, refusal, customerId: created })
      peer.faults.add({ kind: 'refused-in-body', tenant: TENANT, refusal, customerId: edited })
      peer.faults.add({ kind: 'refused-in-body', tenant: TENANT, refusal, customerId: ordered })
      peer.faults.add({ kind: 'refused-in-body', tenant: TENANT, refusal, customerId: renamed })
    }

    world.flow.createCustomer(TENANT, person(created))
    world.flow.editCustomer(TENANT, edited, { city: 'Bergen' })
    world.omnium.createCustomer(TENANT, 'B2C', { customerId: ordered, firstName: 'Ola', lastName: 'Nett' })
    order(ordered)
    world.omnium.editCustomer(TENANT, 'B2C', renamed, { firstName: 'Karin' })

    for (const id of [created, edited, ordered, renamed]) {
      const { reason, message } = await untilParked(id)
      expect(reason).toBe('refused')
      expect(message).toContain('200 OK')
      expect(message).not.toMatch(/example\.com|Kari|Ola/)
    }
    expect([inOmnium(created), inFlow(ordered)]).toEqual([undefined, undefined])
  })
})

describe('a by-id read that is answered with another customer', () => {
  it('always: changes nobody and is parked', async () => {
    const [asked, answered] = [newId('asked'), newId('answered')]
    await paired(asked)
    await paired(answered, person(answered, { firstname: 'Ola' }))
    const before = [inOmnium(answered), inFlow(answered), inOmnium(asked)]
    world.omnium.faults.add({ kind: 'other-id', tenant: TENANT, customerId: asked, answerId: answered })

    world.flow.editCustomer(TENANT, asked, { city: 'Bergen' })

    expect(await untilParked(asked)).toMatchObject({ reason: 'identity-mismatch', attempts: '3' })
    expect([inOmnium(answered), inFlow(answered), inOmnium(asked)]).toEqual(before)

    world.flow.faults.add({ kind: 'other-id', tenant: TENANT, customerId: answered, answerId: asked })
    world.flow.editCustomer(TENANT, answered, { city: 'Tromsø' })

    expect(await untilParked(answered, 'flow-ingest')).toMatchObject({ reason: 'identity-mismatch' })
    expect([inOmnium(answered), inOmnium(asked)]).toEqual([before[0], before[2]])
  })

  it('once: a later attempt applies the change', async () => {
    const [asked, answered] = [newId('once'), newId('cached')]
    await paired(asked)
    await paired(answered)
    const untouched = inOmnium(answered)
    for (const peer of [world.flow, world.omnium]) {
      peer.faults.add({ kind: 'other-id', tenant: TENANT, customerId: asked, answerId: answered, count: 1 })
    }

    world.flow.editCustomer(TENANT, asked, { firstname: 'Karin' })

    await eventually('the edit', () => inOmnium(asked)?.firstName === 'Karin')
    expect(inOmnium(answered)).toEqual(untouched)
    for (const service of ['customer-mapper', 'flow-ingest'] as const)
      expect(await deadLettersOf(world, asked, service)).toEqual([])
  })
})

it('a number that a double cannot represent has the same digits on the topics and after our writes', async () => {
  const id = newId('card')
  const [card, other] = ['6035550000012345679', '6035550000012345681']
  const fields = (text: string) => parseExact(text) as Record<string, unknown>
  const cards = `{"cardNo":${card},"cards":[{"no":${other}},${other}]}`
  world.flow.createCustomer(TENANT, { ...person(id), ...fields(cards) })
  await eventually('the link', () => Boolean(inFlow(id)?.externalId))
  world.omnium.editCustomer(TENANT, 'B2C', id, fields(cards), 'flow-sync')

  world.flow.editCustomer(TENANT, id, { firstname: 'Karin' })
  await eventually('our write', () => inOmnium(id)?.firstName === 'Karin')
  world.omnium.editCustomer(TENANT, 'B2C', id, { lastName: 'Moen' })
  await eventually('the edit in Flow', () => inFlow(id)?.lastname === 'Moen')

  for (const stored of [inOmnium(id), inFlow(id)]) {
    expect(JSON.stringify(stored)).toContain(`"cardNo":${card}`)
    expect(JSON.stringify(stored)).toContain(`"cards":[{"no":${other}},${other}]`)
  }
  for (const topic of ['flow.customers.v1', 'omnium.customers.v1'] as const) {
    const last = async () => (await world.topics.records(topic)).findLast(({ key }) => key === `${TENANT}:${id}`)
    await eventually(`the customer on ${topic}`, async () => (await last()) !== undefined)
    expect((await last())?.bytes?.toString()).toContain(`"cards":[{"no":${other}},${other}]`)
  }
})

it('values that Omnium stores in its own form cause no write, and reconcile finds no drift', async () => {
  world.omnium.setModes(FORMS, {
    ...{ phoneFormat: { country: 'NO', countryCode: 'plus' }, lowerCaseEmails: true, normalizeTexts: true },
  })
  const [one, company] = [newId('form'), newId('form-company')]
  const name = 'A\u030Ase '
  world.flow.createCustomer(FORMS, {
    ...{ customerUid: one, customerType: 'PERSON', firstname: name, lastname: ' Eksempel' },
    ...{ email: 'Kari@Example.COM', mobile: '900 00 000', city: ' Oslo ' },
  })
  world.flow.createCustomer(FORMS, {
    ...{
      customerUid: company,
      customerType: 'COMPANY',
      companyName: name,
      email: 'Post@Example.COM',
      mobile: '22 00 00 00',
    },
    contacts: [{ customerContactUid: 'c1', firstname: name, email: 'Ola@Example.COM', mobile: '901 00 000' }],
    addresses: [{ customerAddressUid: 'a1', address: 'Gata 1 ', email: 'Lager@Example.COM', phone: '22 00 00 01' }],
  })
  await eventually('both links', () => [one, company].every((id) => Boolean(inFlow(id, FORMS)?.externalId)))
  await atRest(syncctl, world)
  expect(inOmnium(one, 'B2C', FORMS)).toMatchObject({
    phone: '+4790000000',
    email: 'kari@example.com',
    firstName: 'Åse',
  })
  const writes = () => world.omnium.journal.writes({ tenant: FORMS }).filter(({ requestId }) => requestId !== null)
  const flowWrites = () => world.flow.journal.writes({ tenant: FORMS }).filter(({ requestId }) => requestId !== null)
  const before = [writes().length, flowWrites().length]

  // Webhooks of both peers without any change, then an edit of something else at each.
  for (const id of [one, company]) {
    world.flow.editCustomer(FORMS, id, { internalNote: 'seen' })
    world.omnium.editCustomer(FORMS, id === one ? 'B2C' : 'B2B', id, { tags: ['seen'] })
  }
  await atRest(syncctl, world)
  expect([writes().length, flowWrites().length]).toEqual(before)

  world.flow.editCustomer(FORMS, one, { city: 'Bergen' })
  await eventually('the city', () => (inOmnium(one, 'B2C', FORMS)?.address as { city?: string })?.city === 'Bergen')
  await atRest(syncctl, world)
  expect(writes()).toHaveLength(before[0]! + 1)
  expect(writes().at(-1)?.changed).not.toEqual(expect.arrayContaining(['phone']))
  expect(flowWrites()).toHaveLength(before[1]!)

  await eventually('the search index', () => world.omnium.indexCompleteAt() === null)
  const { code, out, err } = await syncctl('reconcile', '--tenant', FORMS)
  expect({ code, out, err }).toMatchObject({ code: 0 })
})
