import { SyncError } from '@sync/shared/errors'
import { objectOf } from '@sync/shared/kafka/known-versions'
import { aPerson, aTenant } from '@sync/shared/testing/builders'
import type { FakeFlow } from '@sync/shared/testing/fake-flow'
import { describe, expect, test } from 'vitest'
import { createFlowSweep } from './sweep.ts'
import { at, everyId, givenSweep, LIMITS, START, unending } from './testing/given-sweep.ts'

test('what changed since the mark, less the overlap, is announced with its version; then the mark moves on', async () => {
  const { run, put, publisher, marks } = givenSweep()
  put('new', -1)
  put('in the overlap', -12)
  put('old', -13)

  await run()

  const sent = { tenant: 'acme', entity: 'customer', via: 'sweep', action: null, kind: null, users: [], repair: false }
  expect(publisher.published).toEqual([
    {
      topic: 'flow.notifications.v1',
      key: 'acme:new',
      value: { ...sent, id: 'new', version: at(-1), receivedAt: at(0) },
    },
    expect.objectContaining({ key: 'acme:in the overlap' }),
  ])
  expect(marks.at(-1)).toEqual({ tenant: 'acme', source: 'flow', entity: 'customers', mark: at(-1), sweptAt: at(0) })
})

test('a record without an id, which nobody can ask for, keeps nothing from the others', async () => {
  const { flow, run, put, found, marks } = givenSweep()
  const { listCustomers } = flow
  flow.listCustomers = async (...asked) => {
    const page = await listCustomers(...asked)
    const strange = { customerUid: '', customerType: '', lastModifiedAt: at(-1) }
    return page.items.length === 0 ? page : { ...page, items: [strange, ...page.items] }
  }
  put('new', -2)

  await run()

  expect(found()).toEqual(['new'])
  expect(marks.at(-1)).toMatchObject({ mark: at(-2) })
})

test('without a mark it begins a quarter of an hour before now, and the mark keeps what it saw', async () => {
  const { run, put, found, marks } = givenSweep({ mark: null })
  put('yesterday', -1440)

  await run()

  expect(found()).toEqual([])
  expect(marks).toMatchObject([{ mark: at(-17) }])
})

test('nothing new keeps the mark', async () => {
  const { run, put, marks } = givenSweep()
  put('old', -300)

  await run()

  expect(marks.at(-1)).toMatchObject({ mark: at(-10), sweptAt: at(0) })
})

test('what hydration has written or an earlier sweep announced is not announced again', async () => {
  const { run, put, found, known } = givenSweep()
  put('a', -1)
  put('b', -2)
  known.set(objectOf('acme', 'customer', null, 'b'), { version: at(-2), hash: 'x' })

  await run()
  await run()
  put('b', -1)
  await run()

  expect(found()).toEqual(['a', 'b'])
})

test('an outage of days is caught up over many pages, and no further than the mark', async () => {
  const { run, put, found, flow } = givenSweep({ mark: at(-4320) })
  for (let i = 0; i < 1050; i++) put(i, -4 * i)
  for (let i = 0; i < 500; i++) put(`old ${i}`, -5000 - i)

  await run()

  expect(new Set(found())).toEqual(new Set(Array.from({ length: 1050 }, (_, i) => String(i))))
  expect(flow.journal).toHaveLength(11)
})

describe('while paging', () => {
  /** Runs `move` once the first page was read. */
  const afterFirstPage = (flow: FakeFlow, move: () => void) => {
    let pages = 0
    flow.after(() => {
      pages++
      if (pages === 1) move()
    })
  }

  test('a customer that moves to the front pushes none out of sight, and is met by the next sweep itself', async () => {
    const { run, put, flow, found, marks } = givenSweep({ mark: at(-600) })
    for (let i = 0; i < 250; i++) put(i, -10 - i)
    put('old', -700)
    afterFirstPage(flow, () => put('180', -1))

    await run()
    const first = found()
    await run()

    expect(new Set([...first, '180'])).toEqual(everyId(250))
    expect(marks[1]).toMatchObject({ mark: at(-10) })
    expect(found().slice(first.length)).toEqual(['180'])
  })

  test('customers that are deleted pull none over the edge of a page that was read', async () => {
    const { run, put, flow, found } = givenSweep({ mark: at(-600) })
    for (let i = 0; i < 250; i++) put(i, -10 - i)
    afterFirstPage(flow, () => {
      for (let i = 0; i < 5; i++) flow.erase(String(i))
    })

    await run()

    expect(new Set(found())).toEqual(everyId(250))
  })
})

test('the mark survives a failure, and what comes after finds everything', async () => {
  const { run, put, flow, publisher, found, marks } = givenSweep({ mark: at(-600) })
  for (let i = 0; i < 250; i++) put(i, -10 - i)
  publisher.fail(new SyncError('kafka-unavailable', 'writing to kafka: timed out'))

  await expect(run()).rejects.toMatchObject({ code: 'kafka-unavailable' })
  flow.fail({ error: new SyncError('target-failed', 'listing customers in flow: 500') })
  await expect(run()).rejects.toMatchObject({ code: 'target-failed' })
  expect(marks).toHaveLength(1)
  await run()

  expect(new Set(found()).size).toBe(250)
  expect(marks.at(-1)).toMatchObject({ mark: at(-10) })
})

test('a mark that cannot be stored is found by the next sweep, announced once', async () => {
  const { put, cursors, newSweep, found } = givenSweep()
  put('a', -1)
  const store = cursors.put
  cursors.put = async () => {
    throw new SyncError('kafka-unavailable', 'writing to kafka: timed out')
  }
  const sweep = newSweep()

  await expect(sweep.sweepTenant(aTenant(), unending)).rejects.toThrow()
  cursors.put = store
  await sweep.sweepTenant(aTenant(), unending)

  expect(found()).toEqual(['a'])
})

test('a customer dated in the future hides no later change', async () => {
  const { run, put, found, marks } = givenSweep()
  put('from the future', 525_600)

  await run()
  put('b', -1)
  await run()

  expect(marks.at(-1)).toMatchObject({ mark: at(0) })
  expect(found()).toEqual(['from the future', 'b'])
})

test('a list that ignores the order asked for is an error, not a silent gap', async () => {
  const { put, publisher, cursors, known, flow, logger } = givenSweep()
  put('a', -1)
  put('b', -300)
  const unsorted = { listCustomers: async () => ({ items: [flow.customer('b')!, flow.customer('a')!], paging: {} }) }
  const sweep = createFlowSweep({ flow: unsorted, publisher, known, cursors, ...LIMITS, logger, now: () => START })

  await expect(sweep.sweepTenant(aTenant(), unending)).rejects.toMatchObject({ code: 'target-answer-invalid' })
})

test('an abort ends it between pages, the mark unmoved', async () => {
  const { put, newSweep, flow, marks } = givenSweep({ mark: at(-600) })
  for (let i = 0; i < 250; i++) put(i, -10 - i)
  const stop = new AbortController()
  flow.after(() => stop.abort())

  await expect(newSweep().sweepTenant(aTenant(), stop.signal)).rejects.toThrow()

  expect([flow.journal, marks]).toMatchObject([{ length: 1 }, { length: 1 }])
})

describe('a deep sweep', () => {
  test('finds what Flow has listed long after it dated it, and leaves the mark alone', async () => {
    const { run, put, found, marks } = givenSweep()
    put('known from its webhook', -1)
    await run()
    const before = marks.length
    put('listed late', -300)
    put('too old', -361)
    await run()
    await run('deep')

    expect(found()).toEqual(['known from its webhook', 'listed late'])
    expect(marks.slice(before - 1).map(({ mark }) => mark)).toEqual([at(-1), at(-1)])
  })

  test('announces nothing that a sweep of the same moment announces', async () => {
    const { run, put, found } = givenSweep()
    for (let i = 0; i < 5; i++) put(i, -1 - i)

    await Promise.all([run(), run('deep')])

    expect(found().toSorted()).toEqual(['0', '1', '2', '3', '4'])
  })

  test('announces nothing that hydration knows', async () => {
    const { run, put, found, known } = givenSweep()
    put('a', -300)
    known.set(objectOf('acme', 'customer', null, 'a'), { version: at(-300), hash: 'x' })

    await run('deep')

    expect(found()).toEqual([])
  })
})

test('our own writes are passed over where our user is known', async () => {
  const { run, flow, found, marks } = givenSweep()
  flow.put(aPerson({ customerUid: 'ours', lastModifiedAt: at(-1), lastModifiedBy: 'us' }))
  flow.put(aPerson({ customerUid: 'theirs', lastModifiedAt: at(-2), lastModifiedBy: 'till' }))

  await run('mark', aTenant({ flow: { baseUrl: 'https://flow.example', token: 'a-token', apiUser: 'us' } }))

  expect(found()).toEqual(['theirs'])
  expect(marks.at(-1)).toMatchObject({ mark: at(-1) })
  await run()
  expect(found()).toEqual(['theirs', 'ours'])
})
