import { keyOf } from '@sync/shared/kafka/publisher'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from './eventually.ts'
import { newId } from './peer-customers.ts'
import { startWorld, TENANT, type World } from './world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({
    file: 'parents',
    env: {
      PARENT_WAIT_MS: '3000',
      PARENT_CONFIRM_MS: '10000',
      KAFKA_SESSION_TIMEOUT_MS: '6000',
    },
  })
})
afterEach(() => world.omnium.faults.abandon())
afterAll(() => world?.stop())

const open = (uid: string, parent: string | null = null) =>
  world.flow.createCustomer(TENANT, {
    customerUid: uid,
    customerType: 'COMPANY',
    companyName: `Company ${uid}`,
    parentCustomer: parent === null ? null : { customerUid: parent },
  })
const move = (uid: string, parent: string | null) =>
  world.flow.editCustomer(TENANT, uid, { parentCustomer: parent === null ? null : { customerUid: parent } })
const record = (uid: string) => world.omnium.customer(TENANT, 'B2B', uid)
const related = (uid: string, type: string) =>
  ((record(uid)?.customerRelations ?? []) as { customerId: string; relationType: string }[])
    .filter(({ relationType }) => relationType === type)
    .map(({ customerId }) => customerId)
    .toSorted()
const isParentCompany = (uid: string) =>
  ((record(uid)?.properties ?? []) as { key: string; value: string }[]).find(({ key }) => key === 'Parent company')
    ?.value
const says = (uid: string, parent: string | null, children: readonly string[]) =>
  related(uid, 'Parent').join() === (parent ?? '') &&
  related(uid, 'SubDepartment').join() === children.toSorted().join()
const deadLetters = () => world.topics.records('relation-manager.dead-letters.v1')
const parkedFor = async (uid: string) =>
  (await deadLetters()).filter(({ key }) => key === keyOf(TENANT, uid)).map(({ headers }) => headers['dl-reason'])

describe('a company', () => {
  it('that moves leaves its former parent and stands with the new one, and both say whether they are parents', async () => {
    const [former, next, child] = [newId('former'), newId('next'), newId('child')]
    for (const uid of [former, next]) open(uid)
    open(child, former)
    await eventually('the first parent', () => says(child, former, []) && says(former, null, [child]))
    expect(isParentCompany(former)).toBe('true')

    move(child, next)

    await eventually('the move', () => says(child, next, []) && says(former, null, []) && says(next, null, [child]))
    await eventually('the properties', () => isParentCompany(former) === 'false' && isParentCompany(next) === 'true')
  })

  it('keeps foreign relations and properties through it', async () => {
    const [parent, child] = [newId('parent'), newId('child')]
    open(parent)
    await eventually('the parent', () => record(parent) !== undefined)
    const foreign = { customerId: 'partner-1', relationType: 'Partner', customerType: 'B2B' }
    world.omnium.editCustomer(TENANT, 'B2B', parent, {
      customerRelations: [foreign],
      properties: [{ key: 'theirs', value: 'kept' }],
    })

    open(child, parent)

    await eventually('the entry', () => says(parent, null, [child]))
    expect(record(parent)?.customerRelations).toContainEqual(expect.objectContaining(foreign))
    expect(record(parent)?.properties).toContainEqual(expect.objectContaining({ key: 'theirs', value: 'kept' }))
  })

  it('that changes places with its parent ends right', async () => {
    const [a, b] = [newId('a'), newId('b')]
    open(a)
    open(b, a)
    await eventually('b below a', () => says(b, a, []) && says(a, null, [b]))

    move(b, null)
    move(a, b)

    await eventually('a below b', () => says(a, b, []) && says(b, null, [a]))
  })

  it('that comes from Omnium keeps its parent there, of which Flow has never heard', async () => {
    const [parent, child] = [newId('shop'), newId('department')]
    const relation = (customerId: string, relationType: string) => ({ customerId, relationType, customerType: 'B2B' })
    const properties = [{ key: 'Parent company', value: 'true' }]
    const register = (customerId: string, fields: object) =>
      world.omnium.createCustomer(TENANT, 'B2B', { customerId, name: `Company ${customerId}`, ...fields })
    register(parent, { customerRelations: [relation(child, 'SubDepartment')], properties })
    register(child, { customerRelations: [relation(parent, 'Parent')] })
    const before = [record(parent), record(child)]

    const endOf = async (uid: string) =>
      (await world.topics.records('sync.outcomes.v1'))
        .map(({ value }) => value)
        .find((it) => it?.id === uid && it.service === 'customer-mapper' && it.topic.endsWith('flow.customers.v1'))
    await eventually('what we made in Flow coming back', async () =>
      (await Promise.all([parent, child].map(endOf))).every((it) => it?.reason === 'unchanged'),
    )
    await eventually('the end of whatever that announced', () =>
      world.topics.isCommitted('relation-manager', 'company.parent-changes.v1'),
    )

    expect([record(parent), record(child)]).toEqual(before)
  })

  it('with a hundred departments that arrive together costs few calls', async () => {
    const parent = newId('chain')
    open(parent)
    await eventually('the parent', () => record(parent) !== undefined)
    const children = Array.from({ length: 100 }, (_, i) => newId(`department${i}`))
    const seq = world.omnium.journal.lastSeq()

    for (const uid of children) open(uid, parent)

    await eventually('all departments', () => says(parent, null, children))
    const writes = world.omnium.journal.writes({ id: parent, after: seq })
    expect(writes.length).toBeLessThan(50)
    for (const uid of children) expect(related(uid, 'Parent')).toEqual([parent])
  })
})

describe('a crash', () => {
  it.each(['reply-lost', 'late', 'hang'] as const)(
    'in the middle of a move whose write of the company ends as %s leaves all three right',
    async (kind) => {
      const [former, next, child] = [newId('former'), newId('next'), newId('child')]
      for (const uid of [former, next]) open(uid)
      open(child, former)
      await eventually('the first parent', () => says(child, former, []) && says(former, null, [child]))
      await eventually('quiet', () => world.omnium.webhooks.counts().pending === 0)
      world.omnium.faults.add({ kind, method: 'PATCH', contains: 'ParentVersion', count: 1, delayMs: 500 })

      move(child, next)
      await eventually('the fault', () => world.omnium.faults.list().some(({ struck }) => struck > 0))
      const manager = world.services.get('relation-manager')!
      manager.signal('SIGKILL')
      await manager.exited
      world.omnium.faults.release()
      await world.start('relation-manager')

      await eventually('the move', () => says(child, next, []) && says(former, null, []) && says(next, null, [child]))
      await eventually('the properties', () => isParentCompany(former) === 'false' && isParentCompany(next) === 'true')
    },
  )
})

describe('a parent', () => {
  it('that arrives later is waited for', async () => {
    const [parent, child] = [newId('late'), newId('child')]
    open(child, parent)
    await eventually('the child', () => record(child) !== undefined)

    open(parent)

    await eventually('both ends', () => says(child, parent, []) && says(parent, null, [child]))
  })

  it('that exists nowhere is parked for, once the wait is over', async () => {
    const [parent, child] = [newId('nowhere'), newId('child')]

    open(child, parent)

    await eventually('the dead letter', async () => (await parkedFor(child)).includes('parent-not-found'))
    expect(says(child, null, [])).toBe(true)
  })

  it('that is the company itself is parked', async () => {
    const uid = newId('self')

    open(uid, uid)

    await eventually('the dead letter', async () => (await parkedFor(uid)).includes('parent-cycle'))
    await eventually('the company itself', () => says(uid, null, []))
  })

  it('that leads back to the company in both systems is parked', async () => {
    const [a, b] = [newId('a'), newId('b')]
    open(a)
    open(b, a)
    await eventually('b below a', () => says(b, a, []) && says(a, null, [b]))

    move(a, b)

    await eventually('the dead letter', async () => (await parkedFor(a)).includes('parent-cycle'))
    expect(says(a, null, [b])).toBe(true)
  })

  it('whose entry Omnium refuses leaves nothing half-linked', async () => {
    const [parent, child] = [newId('parent'), newId('refused')]
    open(parent)
    await eventually('the parent', () => record(parent) !== undefined)
    world.omnium.faults.add({ kind: 'status', status: 400, method: 'PATCH', customerId: child })

    open(child, parent)

    await eventually('the dead letter', async () => (await parkedFor(child)).includes('refused'))
    await eventually('the end of the announcement', async () =>
      (await world.topics.records('sync.outcomes.v1')).some(
        ({ value }) => value?.id === parent && value.service === 'relation-manager' && value.outcome !== 'deferred',
      ),
    )
    expect(says(parent, null, [])).toBe(true)
    expect(says(child, null, [])).toBe(true)
  })
})
