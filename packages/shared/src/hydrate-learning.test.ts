import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Notification } from './contracts/notification.ts'
import { createHydration } from './hydrate.ts'
import { createKnownVersions, objectOf } from './kafka/known-versions.ts'
import { createKnownGate } from './known-gate.ts'
import type { Delivery } from './stream.ts'
import { aDelivery } from './testing/builders.ts'
import { givenRuntime, settle, TOPIC } from './testing/given-runtime.ts'

const START = '2026-02-01T00:00:00.000Z'
const OLD = '2026-01-31T23:00:00Z'

beforeEach(() => vi.useFakeTimers({ now: Date.parse(START) }))
afterEach(() => vi.useRealTimers())

/** An ingest service behind its runtime. Each record is a notification, and its value holds the time of receipt. */
async function given() {
  const gate = createKnownGate({ now: Date.now })
  const known = createKnownVersions()
  const reads: string[] = []
  const versions = new Map<string, string>()
  const hydration = createHydration({
    target: 'flow',
    known,
    learning: gate,
    isOwnUser: () => false,
    async find(_call, { id }) {
      reads.push(id)
      const version = versions.get(id) ?? OLD
      return version === 'gone' ? null : { kind: null, version, body: { id, version }, publish: async () => {} }
    },
    async proveAbsent(_call, { id }) {
      reads.push(`proof of ${id}`)
    },
    erase: async () => {},
  })
  const look = ({ id, value, tenant }: Delivery) => {
    const notification: Notification = {
      ...{ tenant: tenant.uid, entity: 'customer', id, via: 'webhook', action: 'CUSTOMER_UPDATE', kind: null },
      ...{ users: [], version: null, repair: false, receivedAt: String(value).split(' ')[1]! },
    }
    return aDelivery('flow.notifications.v1', notification, { id, tenant })
  }
  const runtime = await givenRuntime({ answer: (all, context) => hydration.handle(all.map(look), context) })
  const notify = (...ids: string[]) =>
    runtime.source.append(
      TOPIC,
      0,
      ids.map((id) => ({ key: `acme:${id}`, value: `1 ${new Date().toISOString()}` })),
    )
  return { ...runtime, gate, known, reads, versions, notify }
}
const many = Array.from({ length: 100 }, (_, n) => `gained-${n}`)

describe('while a member learns the written versions of the partitions that it gained', () => {
  it('the keys that wait for these versions take no slot from the keys that were kept', async () => {
    const { gate, notify, ends, runtime } = await given()
    gate.closeFor((key) => key === 'acme:kept', new Promise(() => {}))

    notify(...many, 'kept')
    await vi.advanceTimersByTimeAsync(200)

    expect(ends()).toEqual([[100, 'done']])
    expect(runtime.status()).toMatchObject({ inFlight: 0, pending: 100 })
  })

  it('a key that waits is read once, and again when all versions are known', async () => {
    const { gate, notify, ends, reads } = await given()
    const { promise: learned, resolve } = Promise.withResolvers<void>()
    gate.closeFor(() => false, learned)

    notify('a')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(reads).toEqual(['a'])
    expect(ends()).toEqual([])

    resolve()
    await vi.advanceTimersByTimeAsync(2_000)
    expect(reads).toEqual(['a', 'a'])
    expect(ends()).toEqual([[0, 'done']])
  })

  it('a version older than the written version is not published once the written version is known', async () => {
    const { gate, known, notify, ends } = await given()
    const { promise: learned, resolve } = Promise.withResolvers<void>()
    gate.closeFor(() => false, learned)
    notify('a')
    await settle()

    known.set(objectOf('acme', 'customer', null, 'a'), { version: '2026-01-31T23:30:00Z', hash: 'newer' })
    resolve()
    await vi.advanceTimersByTimeAsync(2_000)

    expect(ends()).toEqual([[0, 'stale']])
  })

  it('a notification that comes meanwhile is read at once, and ends at once if it shows a newer change', async () => {
    const { gate, notify, ends, reads, versions } = await given()
    gate.closeFor(() => false, new Promise(() => {}))
    notify('a')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(reads).toEqual(['a'])

    versions.set('a', new Date().toISOString())
    notify('a')
    await vi.advanceTimersByTimeAsync(2_000)

    expect(reads).toEqual(['a', 'a'])
    expect(ends().map(([offset, how]) => `${offset} ${how}`)).toEqual(['1 done', '0 superseded'])
  })

  it('an absence is proven once all versions are known, and not before', async () => {
    const { gate, notify, ends, reads, versions } = await given()
    const { promise: learned, resolve } = Promise.withResolvers<void>()
    gate.closeFor(() => false, learned)
    versions.set('a', 'gone')

    notify('a')
    await vi.advanceTimersByTimeAsync(5_000)
    expect(reads).toEqual(['a'])
    resolve()
    await vi.advanceTimersByTimeAsync(2_000)

    expect(reads).toEqual(['a', 'a', 'proof of a'])
    expect(ends()).toEqual([[0, 'not-found']])
  })
})
