import { type SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { afterEach, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { parseExactJson } from '../exact-json.ts'
import { type FakeRegistry, startFakeRegistry } from '../testing/fake-registry.ts'
import { createCodec } from './codec.ts'
import { createContracts } from './registry.ts'

const TOPIC = 'sync.cursors.v1'
const cursor = {
  tenant: 'acme',
  source: 'flow',
  entity: 'customers',
  mark: '2026-01-01',
  sweptAt: '2026-01-01',
} as const
const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), Buffer.from(JSON.stringify(cursor))])

describe('a schema that a registry did not know a moment ago', () => {
  /** Its client lets whoever asks for a schema share the answer to a question that is already under way. */
  const readerThatAnswers = (...answers: ('missing' | 'there')[]) => {
    const reader = {
      getSchema: async () => {
        if (answers.shift() === 'missing')
          throw new SyncError('registry-unavailable', 'no such schema', { status: 404 })
      },
      cache: { getSchema: () => ({ type: SchemaType.JSON }) },
    }
    return reader as unknown as SchemaRegistry
  }
  const codecOf = (reader: SchemaRegistry) => createCodec({ writer: reader, reader, idOf: async () => 7 })

  it('is no fault of the record, also when the answer was asked for before the contracts were back', async () => {
    const codec = codecOf(readerThatAnswers('missing', 'missing', 'there'))

    expect(await codec.decode(TOPIC, bytes)).toEqual(cursor)
  })

  it('is one when the registry, which has the contracts, does not know it when asked anew', async () => {
    const codec = codecOf(readerThatAnswers('missing', 'missing', 'missing'))

    await expect(codec.decode(TOPIC, bytes)).rejects.toMatchObject({ code: 'contract-violation' })
  })
})

describe('a number in a peer’s customer', () => {
  let registry: FakeRegistry | undefined
  afterEach(() => registry?.close())

  it('has the same digits on the topic, and when it is read from there', async () => {
    registry = await startFakeRegistry()
    const contracts = createContracts({ registryUrl: registry.url, prefix: '' })
    await contracts.register()
    const text = '{"customerUid":"1","cardNo":6035550000012345679,"cards":[{"no":6035550000012345681},1.10,5003]}'
    const customer = parseExactJson(text) as Record<string, unknown>
    const envelope = { tenant: 'acme', id: '1', version: null, fetchedAt: '', notifiedAt: '', repair: false }

    const written = await contracts.codec.encode('flow.customers.v1', { ...envelope, customer })
    const read = await contracts.codec.decode('flow.customers.v1', written)
    const again = await contracts.codec.encode('flow.customers.v1', read)

    expect(written.toString('utf8', 5)).toContain(text.replace('1.10', '1.1'))
    expect(again).toEqual(written)
  })
})
