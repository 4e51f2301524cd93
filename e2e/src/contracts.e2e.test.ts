import type { ValueOf } from '@sync/shared/contracts/contracts'
import { jsonSchemaOf } from '@sync/shared/contracts/json-schema'
import { createContracts } from '@sync/shared/contracts/registry'
import { CONTRACT_TOPICS } from '@sync/shared/kafka/topics'
import { describe, expect, it } from 'vitest'
import { registerSchema } from './register-schema.ts'
import { newTopicPrefix, sharedStack } from './stack.ts'

const TOPIC = 'omnium.customers.v1'

const { registryUrl } = sharedStack()
const newPrefix = () => newTopicPrefix('contracts')
const contractsOf = (prefix: string) => createContracts({ registryUrl, prefix })

interface Schema {
  readonly properties: Record<string, unknown>
  readonly required: string[]
}
const contract = () => structuredClone(jsonSchemaOf(TOPIC)) as unknown as Schema

const registerUnder = (prefix: string, schema: object) => registerSchema(prefix + TOPIC, schema)

const snapshot: ValueOf<typeof TOPIC> = {
  tenant: 'acme-no',
  id: '1000',
  version: '2024-01-01T00:00:00Z',
  fetchedAt: '2024-01-01T00:00:00Z',
  notifiedAt: '2024-01-01T00:00:00Z',
  repair: false,
  kind: 'B2B',
  customer: { customerId: '1000', name: 'Acme', anything: { goes: [1, null] } },
}

describe('the contracts in the schema registry', () => {
  it('are missing at first, and in place once registered, however often', async () => {
    const contracts = contractsOf(newPrefix())
    expect((await contracts.verify()).map(({ kind }) => kind)).toEqual(CONTRACT_TOPICS.map(() => 'missing'))

    const first = await contracts.register()
    const second = await contracts.register()

    expect(first.every(({ added }) => added)).toBe(true)
    expect(second).toEqual(first.map((one) => ({ ...one, added: false })))
    expect(await contracts.verify()).toEqual([])
  })

  it('are in place after several registered them at once', async () => {
    const prefix = newPrefix()

    const registered = await Promise.all([1, 2, 3, 4].map(() => contractsOf(prefix).register()))

    const ids = registered.map((contracts) => contracts.map(({ id }) => id).join())
    expect(new Set(ids).size).toBe(1)
    expect(await contractsOf(prefix).verify()).toEqual([])
  })

  it('carry a record from one process to another', async () => {
    const prefix = newPrefix()
    await contractsOf(prefix).register()

    const bytes = await contractsOf(prefix).codec.encode(TOPIC, snapshot)

    expect(await contractsOf(prefix).codec.decode(TOPIC, bytes)).toEqual(snapshot)
  })

  it('refuse a record of a schema that nobody registered', async () => {
    const contracts = contractsOf(newPrefix())
    await contracts.register()
    const bytes = await contracts.codec.encode(TOPIC, snapshot)
    bytes.writeInt32BE(2_000_000_000, 1)

    await expect(contracts.codec.decode(TOPIC, bytes)).rejects.toMatchObject({ code: 'contract-violation' })
  })
})

describe('a change of a contract', () => {
  it.each<[string, (schema: Schema) => object]>([
    [
      'makes a new field required',
      ({ properties, required, ...rest }) => ({
        ...rest,
        properties: { ...properties, more: { type: 'string' } },
        required: [...required, 'more'],
      }),
    ],
    [
      'removes a field',
      ({ properties: { repair: _repair, ...properties }, required, ...rest }) => ({
        ...rest,
        properties,
        required: required.filter((name) => name !== 'repair'),
      }),
    ],
    [
      "changes a field's type",
      ({ properties, ...rest }) => ({ ...rest, properties: { ...properties, repair: { type: 'string' } } }),
    ],
    [
      'removes an allowed value',
      ({ properties, ...rest }) => ({
        ...rest,
        properties: { ...properties, kind: { type: 'string', enum: ['B2B'] } },
      }),
    ],
  ])('that %s is refused by the registry', async (_name, change) => {
    const prefix = newPrefix()
    await contractsOf(prefix).register()

    await expect(registerUnder(prefix, change(contract()))).rejects.toThrow(/incompatible/i)
  })

  it('that would remove a field is refused by `topics apply`', async () => {
    const prefix = newPrefix()
    const released = contract()
    await registerUnder(prefix, { ...released, properties: { ...released.properties, former: { type: 'string' } } })

    await expect(contractsOf(prefix).register()).rejects.toMatchObject({
      code: 'contract-violation',
      message: expect.stringMatching(/registering contract .*incompatible/i),
    })
  })

  it('that adds an optional field goes through, and both versions read what the other one wrote', async () => {
    const prefix = newPrefix()
    const ours = contractsOf(prefix)
    await ours.register()
    const { properties, ...rest } = contract()
    const { id } = await registerUnder(prefix, { ...rest, properties: { ...properties, more: { type: 'string' } } })

    const newer = Buffer.concat([Buffer.alloc(5), Buffer.from(JSON.stringify({ ...snapshot, more: 'x' }))])
    newer.writeInt32BE(id, 1)

    expect(await ours.codec.decode(TOPIC, newer)).toEqual(snapshot)
    expect((await ours.codec.encode(TOPIC, snapshot)).readInt32BE(1)).not.toBe(id)
    expect(await ours.verify()).toEqual([])
  })
})
