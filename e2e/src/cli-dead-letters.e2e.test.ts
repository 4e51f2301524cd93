import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { type Syncctl, syncctlFor } from './syncctl.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
let syncctl: Syncctl
beforeAll(async () => {
  world = await startWorld({ file: 'cli-dead-letters', env: { RETRY_MAX_ATTEMPTS: '1' } })
  syncctl = await syncctlFor(world.env)
})
afterAll(() => world?.stop())

interface Letter {
  id: string
  state: string
  service: string
  customer: string
  reason: string
  redrives: number
  topic: string
}
const person = (customerUid: string) => ({ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
const list = (...more: string[]) => syncctl.json<Letter>('dead-letters', 'list', '--json', ...more)
const of = (customer: string, ...more: string[]) => list('--tenant', TENANT, '--customer', customer, ...more)
const inOmnium = (id: string) => world.omnium.customer(TENANT, 'B2C', id)
const outcomesOf = async (id: string) => {
  const records = await world.topics.records('sync.outcomes.v1')
  return records.flatMap(({ value }) => (value?.id === id && value.service === 'customer-mapper' ? [value] : []))
}
const laneRecordsOf = async (id: string) => {
  const records = await world.topics.records('customer-mapper.retry.v1')
  return records.filter(({ key, headers }) => key === `${TENANT}:${id}` && headers['lane-why'] === 'redriven')
}

/** A customer whose write Omnium refuses, until the returned function is called. */
async function refused(id: string, fields: object = {}): Promise<() => void> {
  const fault = world.omnium.faults.add({ kind: 'status', status: 400, customerId: id, method: 'POST' })
  world.flow.createCustomer(TENANT, { ...person(id), ...fields })
  await eventually(`the dead letter of ${id}`, async () => (await of(id)).length === 1)
  return () => void world.omnium.faults.remove(fault)
}

describe('a record that was set aside', () => {
  it('is listed with its reason, found by every selector, and shown with its content', async () => {
    const cure = await refused('listed')

    const [letter] = await of('listed')
    expect(letter).toMatchObject({ state: 'parked', service: 'customer-mapper', reason: 'refused', redrives: 0 })
    expect(await of('listed', '--reason', 'refused', '--service', 'customer-mapper', '--since', '1h')).toHaveLength(1)
    expect(await of('listed', '--reason', 'unmappable')).toEqual([])
    expect(await of('listed', '--service', 'flow-ingest')).toEqual([])
    expect(await of('listed', '--until', '1h')).toEqual([])
    const [shown] = await syncctl.json<{ value: { customer: object } }>('dead-letters', 'show', letter!.id, '--json')
    expect(shown!.value.customer).toMatchObject({ customerUid: 'listed', firstname: 'Kari' })
    cure()
  })

  it('is redriven once, however often the command is run, and takes effect', async () => {
    const cure = await refused('redriven')
    cure()

    const first = await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'redriven', '--yes')
    await eventually('the customer in Omnium', () => inOmnium('redriven') !== undefined)
    const again = await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'redriven', '--yes')

    expect(first).toMatchObject({ code: 0, out: '1 record redriven.\n' })
    expect(again).toMatchObject({ code: 0, out: '', err: 'Nothing to redrive.\n' })
    await eventually('the lane record', async () => (await laneRecordsOf('redriven')).length > 0)
    const [sent, ...others] = await laneRecordsOf('redriven')
    expect(others).toEqual([])
    const letters = await world.topics.records('customer-mapper.dead-letters.v1')
    const parkedOf = () => letters.find(({ key }) => key === `${TENANT}:redriven`)
    await eventually('the dead letter', () => parkedOf() !== undefined)
    const parked = parkedOf()
    expect(sent!.bytes).toEqual(parked!.bytes)
    expect(sent!.headers).toMatchObject({ 'lane-redrives': '1', 'event-id': parked!.headers['event-id'] })
    expect(await of('redriven')).toEqual([])
    expect(await of('redriven', '--all')).toMatchObject([{ state: 'redriven' }])
  })

  it('that comes back too often needs --force', async () => {
    const cure = await refused('stubborn')
    const redrive = (...more: string[]) =>
      syncctl(
        'dead-letters',
        'redrive',
        '--tenant',
        TENANT,
        '--customer',
        'stubborn',
        '--yes',
        '--max-redrives',
        '1',
        ...more,
      )

    expect((await redrive()).code).toBe(0)
    await eventually('its coming back', async () => (await of('stubborn'))[0]?.redrives === 1)
    const held = await redrive()
    cure()
    const forced = await redrive('--force')

    expect(held.code).toBe(2)
    expect(held.err).toContain('Left alone without --force: 1 record')
    expect(forced.code).toBe(0)
    await eventually('the customer in Omnium', () => inOmnium('stubborn') !== undefined)
    expect((await laneRecordsOf('stubborn')).map(({ headers }) => headers['lane-redrives'])).toEqual(['1', '2'])
  })

  it('is not touched while nobody agrees', async () => {
    const cure = await refused('asked')

    const { code, err } = await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'asked')

    expect(code).toBe(64)
    expect(err).toContain('add --yes')
    expect(await laneRecordsOf('asked')).toEqual([])
    cure()
  })

  it('is discarded for good, and its record stays where it is', async () => {
    const cure = await refused('discarded')
    cure()

    const { code, out } = await syncctl(
      'dead-letters',
      'discard',
      '--tenant',
      TENANT,
      '--customer',
      'discarded',
      '--yes',
    )

    expect({ code, out }).toEqual({ code: 0, out: '1 dead letter discarded.\n' })
    expect(await of('discarded')).toEqual([])
    expect(await of('discarded', '--all')).toMatchObject([{ state: 'discarded' }])
    const redriven = await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'discarded', '--yes')
    expect(redriven.err).toBe('Nothing to redrive.\n')
  })
})

describe('an old record that is redriven', () => {
  it('changes nothing that is newer: v1 applied, v2 parked, v3 unchanged, then v2 again', async () => {
    world.flow.createCustomer(TENANT, { ...person('old'), city: 'Oslo' })
    await eventually('v1', () => (inOmnium('old')?.address as { city?: string })?.city === 'Oslo')
    await eventually('the link', () => world.flow.customer(TENANT, 'old')?.externalId === 'old')
    const fault = world.omnium.faults.add({ kind: 'status', status: 400, customerId: 'old', method: 'POST' })
    world.flow.editCustomer(TENANT, 'old', { city: 'Bergen' })
    await eventually('v2 parked', async () => (await of('old')).length === 1)
    world.omnium.faults.remove(fault)
    world.flow.editCustomer(TENANT, 'old', { city: 'Oslo' })
    await eventually('v3 unchanged', async () => (await outcomesOf('old')).at(-1)?.reason === 'unchanged')
    const before = inOmnium('old')

    await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'old', '--yes')

    await eventually('its end', async () => (await outcomesOf('old')).some(({ lane }) => lane === 'redriven'))
    const end = (await outcomesOf('old')).find(({ lane }) => lane === 'redriven')
    expect(end).toMatchObject({ outcome: 'skipped', reason: 'unchanged' })
    expect(inOmnium('old')).toEqual(before)
  })

  it('does not bring back a person whom Flow has erased', async () => {
    const cure = await refused('erased')
    cure()
    world.flow.deleteCustomer(TENANT, 'erased')

    await syncctl('dead-letters', 'redrive', '--tenant', TENANT, '--customer', 'erased', '--yes')

    await eventually('its end', async () => (await outcomesOf('erased')).some(({ lane }) => lane === 'redriven'))
    expect((await outcomesOf('erased')).find(({ lane }) => lane === 'redriven')).toMatchObject({ reason: 'deleted' })
    expect(inOmnium('erased')).toBeUndefined()
  })
})

it('an interrupted redrive neither repeats what was acknowledged nor drops the rest', async () => {
  await world.services.get('customer-mapper')!.stop()
  const total = 1_500
  const poison = Buffer.from('no json')
  const ids = Array.from({ length: total }, (_, n) => `many-${n}`)
  // As the service writes them, so that the test need not wait for so many to be parked.
  const producer = world.kafka.producer()
  await producer.connect()
  const ends = await world.topics.ends('customer-mapper.dead-letters.v1')
  const parkedAt = new Date().toISOString()
  await producer.send({
    topic: `${world.prefix}customer-mapper.dead-letters.v1`,
    messages: ids.map((id, n) => ({
      ...{ key: `${TENANT}:${id}`, value: poison, partition: n % ends.size },
      headers: {
        ...{ 'dl-topic': `${world.prefix}flow.customers.v1`, 'dl-partition': String(n % ends.size) },
        ...{ 'dl-offset': String(1_000_000 + n), 'dl-reason': 'contract-violation', 'dl-message': 'x' },
        ...{ 'dl-attempts': '1', 'dl-redrives': '0', 'dl-first-failure-at': parkedAt, 'dl-last-failure-at': parkedAt },
      },
    })),
  })
  await producer.disconnect()
  const redrive = ['dead-letters', 'redrive', '--reason', 'contract-violation', '--yes']
  const sentIds = async () => {
    const records = await world.topics.records('customer-mapper.retry.v1')
    return records.flatMap(({ key, headers }) =>
      headers['lane-why'] === 'redriven' && key?.includes(':many-') ? [key] : [],
    )
  }

  const run = syncctl.start(...redrive)
  await eventually('some of them in the lane', async () => (await sentIds()).length > 0)
  run.child.kill('SIGKILL')
  await run.ended
  const rest = await syncctl(...redrive)

  expect(rest.code).toBe(0)
  await eventually('all of them in the lane', async () => (await sentIds()).length >= total)
  const sent = await sentIds()
  expect(new Set(sent).size).toBe(total)
  expect(sent).toHaveLength(total)
})
