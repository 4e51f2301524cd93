import { expect, test } from 'vitest'
import type { Codec } from './contracts/codec.ts'
import { createKnownVersions, objectOf } from './kafka/known-versions.ts'
import { createKnownLoader, hashOfBody, type KnownLoaderOptions } from './known-loader.ts'
import { createLogger } from './logger.ts'

type Read = KnownLoaderOptions['readTails']

/** What stands at the ends of the snapshot topics: topic, key, and a snapshot (null: a tombstone). */
const given = (records: readonly [topic: string, key: string, snapshot: object | null][], readTails?: Read) => {
  const known = createKnownVersions()
  const loader = createKnownLoader({
    source: 'omnium',
    known,
    readTails:
      readTails ??
      (async ({ take }) => {
        for (const [topic, key, snapshot] of records) {
          await take(topic, {
            key: Buffer.from(key),
            value: snapshot === null ? null : Buffer.from(JSON.stringify(snapshot)),
          })
        }
      }),
    codec: { decode: async (_topic: unknown, bytes: Buffer) => JSON.parse(bytes.toString()) } as unknown as Codec,
    prefix: 'p.',
    sinceMs: async () => 0,
    logger: createLogger({ service: 'test', level: 'silent' }),
  })
  const load = (owns: (key: string) => boolean = () => true) => loader.load(owns, new AbortController().signal)
  return { known, load }
}
const customer = (id: string, version: string, kind = 'B2C') => ({
  ...{ tenant: 'acme', id, version, kind, customer: { customerId: id, modified: version } },
})
const objectIn = (id: string, kind: 'B2C' | 'B2B' | null = 'B2C') => objectOf('acme', 'customer', kind, id)

test('the last snapshot of an object is known, by version and body', async () => {
  const { known, load } = given([
    ['p.omnium.customers.v1', 'acme:1', customer('1', '2026-01-01T10:00:00Z')],
    ['p.omnium.customers.v1', 'acme:1', customer('1', '2026-01-01T11:00:00Z')],
    ['p.omnium.orders.v1', 'acme:1', { tenant: 'acme', id: 'order 7', version: '2026-01-01T12:00:00Z', order: {} }],
  ])

  await load()

  const body = { customerId: '1', modified: '2026-01-01T11:00:00Z' }
  expect(known.get(objectIn('1'))).toEqual({ version: '2026-01-01T11:00:00Z', hash: hashOfBody(body) })
  expect(known.get(objectOf('acme', 'order', null, 'order 7'))?.version).toBe('2026-01-01T12:00:00Z')
})

test('a tombstone stands for both kinds of customer', async () => {
  const { known, load } = given([
    ['p.omnium.customers.v1', 'acme:1:2', customer('1:2', '2026-01-01T10:00:00Z')],
    ['p.omnium.customers.v1', 'acme:1:2', null],
  ])

  await load()

  const erased = { version: null, hash: null }
  expect([known.get(objectIn('1:2')), known.get(objectIn('1:2', null))]).toEqual([erased, erased])
})

test('what is not ours, or was written since, is left alone', async () => {
  const { known, load } = given([
    ['p.omnium.customers.v1', 'acme:mine', customer('mine', '2026-01-01T10:00:00Z')],
    ['p.omnium.customers.v1', 'acme:other', customer('other', '2026-01-01T10:00:00Z')],
  ])
  known.set(objectIn('mine'), { version: '2026-01-01T12:00:00Z', hash: 'newer' })

  await load((key) => key === 'acme:mine')

  expect(known.get(objectIn('mine'))?.hash).toBe('newer')
  expect(known.get(objectIn('other'))).toBeUndefined()
})

test('what was read before a failure counts, and the failure does no harm', async () => {
  const { known, load } = given([], async ({ take }) => {
    const value = Buffer.from(JSON.stringify(customer('1', '2026-01-01T10:00:00Z')))
    await take('p.omnium.customers.v1', { key: Buffer.from('acme:1'), value })
    throw new Error('the broker has gone')
  })

  await load()

  expect(known.get(objectIn('1'))?.version).toBe('2026-01-01T10:00:00Z')
})

test('objects are forgotten by the key of their notifications', () => {
  const known = createKnownVersions()
  known.set(objectOf('acme', 'order', null, 'an order'), { version: null, hash: 'a' })
  known.set(objectIn('1'), { version: null, hash: 'b' })

  known.keep((key) => key === 'acme:an order')

  expect(known.get(objectOf('acme', 'order', null, 'an order'))?.hash).toBe('a')
  expect(known.get(objectIn('1'))).toBeUndefined()
})
