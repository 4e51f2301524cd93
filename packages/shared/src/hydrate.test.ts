import { describe, expect, test } from 'vitest'
import type { AbsenceEvidence } from './absences/evidence.ts'
import type { Notification } from './contracts/notification.ts'
import { SyncError } from './errors.ts'
import { createHydration, type HydrationSource } from './hydrate.ts'
import { createKnownVersions } from './kafka/known-versions.ts'
import { aContext, aDelivery, aTenant, type DeliveryFields } from './testing/builders.ts'

const V1 = '2026-01-01T10:00:00Z'
const V2 = '2026-01-01T11:00:00Z'
const tenant = aTenant({ flow: { baseUrl: 'https://flow.example', token: 'a-token', apiUser: 'us' } })

const aLook = (fields: Partial<Notification> = {}, delivery: DeliveryFields = {}) => {
  const notification: Notification = {
    ...{ tenant: 'acme', entity: 'customer', id: '1000', via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null },
    ...{ users: [], version: null, repair: false, receivedAt: '2026-01-02T00:00:00.000Z' },
    ...fields,
  }
  return aDelivery('flow.notifications.v1', notification, { tenant, ...delivery })
}

function given(more: Pick<HydrationSource, 'beforeSecondRead'> = {}) {
  const steps: string[] = []
  const failures = new Map<string, Error>()
  const record: { version: string | null; city: string; isGone?: boolean } = { version: V1, city: 'Oslo' }
  const proofs: AbsenceEvidence[] = []
  /** Answers its name, or fails once as told. */
  const step = async (name: string) => {
    steps.push(name)
    const failure = failures.get(name)
    failures.delete(name)
    if (failure !== undefined) throw failure
  }
  const hydration = createHydration({
    target: 'flow',
    known: createKnownVersions(),
    isOwnUser: ({ flow }, user) => user === flow.apiUser,
    ...more,
    find: async (_call, { entity }) => {
      await step(`find ${entity}`)
      if (record.isGone) return null
      return { kind: null, version: record.version, body: { ...record }, publish: () => step(`publish ${entity}`) }
    },
    async proveAbsent(_call, { entity }, evidence) {
      proofs.push(evidence)
      await step(`prove ${entity}`)
    },
    erase: (_call, key) => step(`erase ${key}`),
  })
  return {
    ...{ steps, failures, record, proofs, classify: hydration.classify },
    hydrate: (...deliveries: ReturnType<typeof aLook>[]) => hydration.handle(deliveries, aContext({ tenant })),
  }
}

describe('classifying', () => {
  const classify = (fields: Partial<Notification>, delivery: DeliveryFields = {}) =>
    given().classify(aLook(fields, delivery))
  const groupOf = (fields: Partial<Notification>) => {
    const classified = classify(fields)
    return 'group' in classified ? classified.group : null
  }

  test.each<[string, Partial<Notification>, boolean]>([
    ['our own change, told by a webhook', { users: ['us', '14'] }, true],
    ['our own change, told by a topic', { users: ['us'], via: 'events-topic' }, true],
    ["somebody else's change", { users: ['them'] }, false],
    ['a change of nobody', { users: [] }, false],
    ['our own change, found by a sweep', { users: ['us'], via: 'sweep' }, false],
    ['our own change, found by a backfill', { users: ['us'], via: 'backfill' }, false],
    ['our own change, under repair', { users: ['us'], repair: true }, false],
  ])('%s: an echo? %s', (_case, fields, isEcho) => {
    const classified = classify(fields)

    if (isEcho) expect(classified).toEqual({ end: { kind: 'skipped', reason: 'echo' } })
    else expect(classified).toMatchObject({ targets: ['flow'] })
  })

  test('without an apiUser nothing is an echo', () => {
    expect(classify({ users: ['', 'undefined'] }, { tenant: aTenant() })).toMatchObject({ targets: ['flow'] })
  })

  test('a repair passes its mark on', () => {
    expect(classify({ repair: true })).toMatchObject({ repair: true })
    expect(classify({}, { repair: true })).toMatchObject({ repair: true })
  })

  test.each<[string, Partial<Notification>, Partial<Notification>]>([
    ['a customer and an order of one id', {}, { entity: 'order' }],
    ['customers of two kinds', { kind: 'B2C' }, { kind: 'B2B' }],
    ['a webhook and what a sweep saw', {}, { via: 'sweep', version: V1 }],
    ['an erasure and a later update', { action: 'CUSTOMER_DELETE' }, {}],
  ])('neither supersedes the other: %s', (_case, one, other) => {
    expect(groupOf(one)).not.toBe(groupOf(other))
  })

  test.each<[string, Partial<Notification>, Partial<Notification>]>([
    ['two webhooks', { action: 'CUSTOMER_CREATE' }, {}],
    ['a sweep that saw no version', { via: 'sweep' }, {}],
    ['a repair', { via: 'sweep', version: V1, repair: true }, {}],
    ['a sweep and a backfill', { via: 'sweep', version: V1 }, { via: 'backfill', version: V1 }],
  ])('the newer supersedes the older: %s', (_case, one, other) => {
    expect(groupOf(one)).toBe(groupOf(other))
  })

  test('among what lists saw the newest version counts', () => {
    expect(classify({ via: 'sweep', version: V1 })).toMatchObject({ version: V1 })
  })

  test('a record without a value is passed over', () => {
    expect(given().classify(aDelivery('flow.notifications.v1', null))).toMatchObject({ end: { kind: 'skipped' } })
  })
})

describe('a record that was read', () => {
  test('changed without a new version is published', async () => {
    const { record, hydrate } = given()
    await hydrate(aLook())
    record.city = 'Bergen'

    expect(await hydrate(aLook())).toMatchObject([{ kind: 'done' }])
  })

  test('is never published older than before, as a replica that lags may answer it', async () => {
    const { record, steps, hydrate } = given()
    record.version = V2
    await hydrate(aLook())
    record.version = V1

    expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'stale', version: V1 }])
    expect(steps.filter((step) => step === 'publish customer')).toHaveLength(1)
  })

  test('is always published by a repair, also when it is older or unchanged', async () => {
    const { record, steps, hydrate } = given()
    record.version = V2
    await hydrate(aLook())

    expect(await hydrate(aLook({ repair: true }))).toMatchObject([{ kind: 'done' }])
    record.version = V1
    expect(await hydrate(aLook({ repair: true }))).toMatchObject([{ kind: 'done' }])
    expect(await hydrate(aLook({}, { repair: true }))).toMatchObject([{ kind: 'done' }])
    expect(steps.filter((step) => step === 'publish customer')).toHaveLength(4)
  })

  describe('older than before, where the source may date back what it changes,', () => {
    const dated = (onWait: (record: { version: string | null; city: string }) => void = () => {}) => {
      const waits: number[] = []
      const world = given({
        async beforeSecondRead(ms) {
          waits.push(ms)
          onWait(world.record)
        },
      })
      return { ...world, waits }
    }

    test('is read again after a second, and then published once', async () => {
      const { record, steps, waits, hydrate } = dated()
      record.version = V2
      await hydrate(aLook())
      Object.assign(record, { version: V1, city: 'Bergen' })

      expect(await hydrate(aLook())).toMatchObject([{ kind: 'done', effect: { version: V1 } }])
      expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'known', version: V1 }])
      expect(waits).toEqual([1_000])
      const [, , ...later] = steps
      expect(later).toEqual(['find customer', 'find customer', 'publish customer', 'find customer'])
    })

    test('is passed over when a replica had only lagged', async () => {
      const { record, steps, hydrate } = dated((it) => Object.assign(it, { version: V2 }))
      record.version = V2
      await hydrate(aLook())
      record.version = V1

      expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'known', version: V2 }])
      expect(steps.filter((step) => step === 'publish customer')).toHaveLength(1)
    })

    test('is a failure of its own when the second read fails', async () => {
      const { record, failures, hydrate } = dated(() =>
        failures.set('find customer', new SyncError('target-failed', 'reading a customer in flow: 500')),
      )
      record.version = V2
      await hydrate(aLook())
      record.version = V1

      expect(await hydrate(aLook())).toMatchObject([{ kind: 'retry', reason: 'target-failed' }])
    })
  })

  test('without a version is published when it differs', async () => {
    const { record, hydrate } = given()
    record.version = null

    expect(await hydrate(aLook())).toMatchObject([{ kind: 'done' }])
    expect(await hydrate(aLook())).toEqual([{ kind: 'skipped', reason: 'known' }])
    record.city = 'Bergen'
    expect(await hydrate(aLook())).toMatchObject([{ kind: 'done' }])
  })
})

describe('an object that is answered “not found”', () => {
  const pending = () =>
    new SyncError('absence-pending', 'proving an absence in flow: it is read again', { retryAfterMs: 10_000 })

  test.each<[string, Partial<Notification>]>([
    ['a customer that was written', {}],
    ['a customer that was deleted at its source', { action: 'CUSTOMER_DELETE' }],
    ['a customer that was never written', { id: 'never' }],
    ['an order', { entity: 'order' }],
  ])('ends nothing before that is proven: %s', async (_case, fields) => {
    const { record, steps, failures, hydrate } = given()
    await hydrate(aLook())
    record.isGone = true
    steps.length = 0
    const name = `prove ${fields.entity ?? 'customer'}`
    failures.set(name, pending())

    expect(await hydrate(aLook(fields))).toMatchObject([{ kind: 'retry', reason: 'absence-pending', afterMs: 10_000 }])
    expect(steps).not.toContain('erase acme:1000')
    expect(await hydrate(aLook(fields))).toMatchObject([{ kind: expect.stringMatching('done|skipped') }])
    expect(steps.filter((step) => step === name)).toHaveLength(2)
  })

  test.each<[string, Partial<Notification>[], boolean]>([
    ['a delete event', [{ action: 'CUSTOMER_DELETE' }], true],
    ['a delete event that is newer than an update', [{}, { action: 'Deleted' }], true],
    ['a delete event that is older than an update', [{ action: 'CUSTOMER_DELETE' }, {}], false],
    ['an erasure, which deletes nothing', [{ action: 'CUSTOMER_ANONYMIZED' }], false],
    ['a sweep', [{ via: 'sweep' }], false],
    ['a repair', [{ repair: true }], false],
  ])('is proven by the peer’s own delete event: %s', async (_case, looks, deleteEvent) => {
    const { record, proofs, hydrate } = given()
    record.isGone = true

    await hydrate(...looks.map((fields) => aLook(fields)))

    expect(proofs).toEqual([{ deleteEvent }])
  })
})

describe('failures', () => {
  test('a write that was not acknowledged is repeated', async () => {
    const { failures, hydrate } = given()
    failures.set('publish customer', new SyncError('kafka-unavailable', 'writing to kafka: timed out'))

    expect(await hydrate(aLook())).toMatchObject([{ kind: 'retry', reason: 'kafka-unavailable' }])
    expect(await hydrate(aLook())).toMatchObject([{ kind: 'done' }])
  })

  test('a refused order neither parks nor repeats the customer of the same id', async () => {
    const { steps, failures, hydrate } = given()
    failures.set('find order', new SyncError('target-refused', 'reading an order in flow: 400', { target: 'flow' }))

    const outcomes = await hydrate(aLook({ entity: 'order' }), aLook())

    expect(outcomes).toMatchObject([{ kind: 'park', reason: 'refused' }, { kind: 'done' }])
    expect(steps).toEqual(['find order', 'find customer', 'publish customer'])
  })

  test('a failed read is the failure of all that waited for it', async () => {
    const { failures, hydrate } = given()
    failures.set('find customer', new SyncError('target-failed', 'reading a customer in flow: 500'))

    const outcomes = await hydrate(aLook(), aLook({ via: 'sweep', version: V1 }))

    expect(outcomes.map(({ kind }) => kind)).toEqual(['retry', 'retry'])
  })

  test('a closed fence leaves everything un-ended', async () => {
    const { failures, hydrate } = given()
    failures.set('publish customer', new SyncError('fenced', 'writing: the partition is not ours'))

    await expect(hydrate(aLook())).rejects.toMatchObject({ code: 'fenced' })
  })
})
