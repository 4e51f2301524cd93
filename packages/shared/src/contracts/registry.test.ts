import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SyncError } from '../errors.ts'
import { CONTRACT_TOPICS } from '../kafka/topics.ts'
import { createAuthority, issue } from '../testing/certificates.ts'
import { type FakeRegistry, startFakeRegistry } from '../testing/fake-registry.ts'
import type { ValueOf } from './contracts.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { type Contracts, createContracts } from './registry.ts'

const TOPIC = 'omnium.customers.v1'
const SUBJECT = `test.${TOPIC}-value`

let registry: FakeRegistry
let contracts: Contracts
beforeEach(async () => {
  registry = await startFakeRegistry()
  contracts = createContracts({ registryUrl: registry.url, prefix: 'test.', timeoutMs: 2_000 })
})
afterEach(() => registry.close())

const snapshot: ValueOf<typeof TOPIC> = {
  tenant: 'acme-no',
  id: '1000',
  version: null,
  fetchedAt: '2024-01-01T00:00:00Z',
  notifiedAt: '2024-01-01T00:00:00Z',
  repair: false,
  kind: 'B2C',
  customer: { customerId: '1000', firstName: 'Ada', nested: { anything: [1, null] } },
}

const wire = (id: number, payload: string | object): Buffer => {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))])
}

const failureOf = async (work: Promise<unknown>): Promise<SyncError> => {
  const error = await work.then(
    () => expect.unreachable('it should fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SyncError)
  return error as SyncError
}

describe('registering', () => {
  it('adds every contract, with compatibility to what was written before', async () => {
    const registered = await contracts.register()

    expect(registered.map(({ subject }) => subject)).toEqual(CONTRACT_TOPICS.map((topic) => `test.${topic}-value`))
    expect(registered.every(({ added }) => added)).toBe(true)
    expect(new Set(registry.levels.values())).toEqual(new Set(['BACKWARD']))
    expect(await contracts.verify()).toEqual([])
  })

  it('does nothing the second time', async () => {
    const first = await contracts.register()
    const before = registry.requests.length

    const second = await contracts.register()

    expect(second.map(({ id }) => id)).toEqual(first.map(({ id }) => id))
    expect(second.some(({ added, levelBefore }) => added || levelBefore !== undefined)).toBe(false)
    expect(registry.requests.slice(before).filter((request) => request.startsWith('PUT'))).toEqual([])
  })

  it('is harmless when two do it at once', async () => {
    const other = createContracts({ registryUrl: registry.url, prefix: 'test.' })

    const [mine, theirs] = await Promise.all([contracts.register(), other.register()])

    expect(mine.map(({ id }) => id)).toEqual(theirs.map(({ id }) => id))
    expect(await contracts.verify()).toEqual([])
  })

  it('sets the level of a subject that lets everything in, and leaves a stricter one', async () => {
    await contracts.register()
    registry.levels.set(SUBJECT, 'NONE')
    registry.levels.set('test.sync.cursors.v1-value', 'FULL_TRANSITIVE')

    const registered = await contracts.register()

    expect(registered.filter(({ levelBefore }) => levelBefore === 'NONE').map(({ topic }) => topic)).toEqual([TOPIC])
    expect(registry.levels.get('test.sync.cursors.v1-value')).toBe('FULL_TRANSITIVE')
  })

  it('fails when the registry refuses a contract as incompatible', async () => {
    registry.add(SUBJECT, { type: 'object', properties: { other: { type: 'string' } }, additionalProperties: false })
    registry.levels.set(SUBJECT, 'BACKWARD')

    const error = await failureOf(contracts.register())

    expect(error.code).toBe('contract-violation')
    expect(error.message).toContain(`registering contract ${SUBJECT}`)
    expect(error.message).toContain('other: is removed')
  })

  it('sends the credentials', async () => {
    await createContracts({ registryUrl: registry.url, prefix: '', username: 'sync', password: 'key' }).verify()

    expect([...registry.credentials]).toEqual([`Basic ${Buffer.from('sync:key').toString('base64')}`])
  })
})

describe('verifying', () => {
  it('names what is missing, different, or open to anything', async () => {
    await contracts.register()
    registry.wipe()
    registry.add(SUBJECT, jsonSchemaOf(TOPIC))
    registry.add('test.sync.cursors.v1-value', { type: 'object' })

    const problems = await contracts.verify()

    expect(problems.find(({ subject }) => subject === SUBJECT)?.kind).toBe('compatibility')
    expect(problems.find(({ subject }) => subject === 'test.sync.cursors.v1-value')?.kind).toBe('different')
    expect(problems.filter(({ kind }) => kind === 'missing')).toHaveLength(CONTRACT_TOPICS.length - 2)
  })
})

describe('encoding', () => {
  it('comes back by decoding', async () => {
    await contracts.register()

    const bytes = await contracts.codec.encode(TOPIC, snapshot)

    expect(bytes[0]).toBe(0)
    expect(await contracts.codec.decode(TOPIC, bytes)).toEqual(snapshot)
  })

  it('asks the registry once per topic, however many wait', async () => {
    await contracts.register()
    const fresh = createContracts({ registryUrl: registry.url, prefix: 'test.' })
    const before = registry.requests.length

    await Promise.all(Array.from({ length: 50 }, () => fresh.codec.encode(TOPIC, snapshot)))

    expect(registry.requests.slice(before)).toEqual([
      `POST /subjects/${SUBJECT}`,
      expect.stringMatching(/^GET \/schemas/),
    ])
  })

  it('can be made ready ahead, so that the first record waits for nothing', async () => {
    await contracts.register()
    await contracts.codec.ready([TOPIC])
    const before = registry.requests.length

    await contracts.codec.encode(TOPIC, snapshot)

    expect(registry.requests.slice(before)).toEqual([])
  })

  it('refuses a value that breaks the contract, without showing it', async () => {
    await contracts.register()

    const broken = { ...snapshot, kind: 'Ada', extra: 'Ada' } as unknown as typeof snapshot
    const error = await failureOf(contracts.codec.encode(TOPIC, broken))

    expect(error.code).toBe('contract-violation')
    expect(error.message).toMatch(/encoding for omnium\.customers\.v1: \S/)
    expect(error.message).not.toContain('Ada')
  })

  it('names the command when the contract is not registered, and asks again afterwards', async () => {
    const error = await failureOf(contracts.codec.encode(TOPIC, snapshot))
    await contracts.register()

    expect(error.code).toBe('topic-missing')
    expect(error.message).toContain('npx syncctl topics apply')
    await expect(contracts.codec.encode(TOPIC, snapshot)).resolves.toBeInstanceOf(Buffer)
  })

  it('does not take an older contract of the subject for its own', async () => {
    registry.add(SUBJECT, { type: 'object' })

    expect((await failureOf(contracts.codec.encode(TOPIC, snapshot))).code).toBe('topic-missing')
  })
})

describe('decoding', () => {
  it('reads what a newer version of the contract wrote, and drops what it does not know', async () => {
    await contracts.register()
    const newer = structuredClone(jsonSchemaOf(TOPIC)) as { properties: Record<string, unknown> }
    newer.properties.more = { type: 'string' }
    const id = registry.add(SUBJECT, newer)

    expect(await contracts.codec.decode(TOPIC, wire(id, { ...snapshot, more: 'x' }))).toEqual(snapshot)
  })

  it('asks the registry once per schema, however many wait', async () => {
    await contracts.register()
    const bytes = await contracts.codec.encode(TOPIC, snapshot)
    const fresh = createContracts({ registryUrl: registry.url, prefix: 'test.' })
    const before = registry.requests.length

    await Promise.all(Array.from({ length: 50 }, () => fresh.codec.decode(TOPIC, bytes)))

    expect(registry.requests.slice(before)).toEqual([`GET /schemas/ids/${bytes.readInt32BE(1)}`])
  })

  it.each<[string, (id: number) => Buffer, string]>([
    ['is empty', () => Buffer.alloc(0), 'not in the wire format'],
    ['is only a header', (id) => wire(id, ''), 'not in the wire format'],
    ['is plain JSON', () => Buffer.from('{"firstName":"Ada"}'), 'not in the wire format'],
    ['is not JSON behind the header', (id) => wire(id, '{"firstName":"Ada"'), 'not JSON'],
    ['breaks the contract', (id) => wire(id, { ...snapshot, repair: 'Ada' }), 'repair: '],
    ['names a schema that nobody registered', () => wire(9_999, snapshot), "schema 9999 isn't in the registry"],
  ])('refuses a record that %s, without showing it', async (_name, bytes, reason) => {
    await contracts.register()
    const id = (await contracts.codec.encode(TOPIC, snapshot)).readInt32BE(1)

    const error = await failureOf(contracts.codec.decode(TOPIC, bytes(id)))

    expect(error.code).toBe('contract-violation')
    expect(error.message).toContain(reason)
    expect(`${error.message} ${error.cause}`).not.toContain('Ada')
  })

  it('refuses a record of another kind of schema', async () => {
    await contracts.register()
    const id = registry.add('other', { type: 'record', name: 'r', fields: [] }, 'AVRO')

    const error = await failureOf(contracts.codec.decode(TOPIC, wire(id, snapshot)))

    expect(error.code).toBe('contract-violation')
  })

  it('asks anew for a schema that was not there', async () => {
    await contracts.register()
    const nextId = registry.add('other', { type: 'object' }) + 1
    await failureOf(contracts.codec.decode(TOPIC, wire(nextId, snapshot)))

    expect(registry.add(SUBJECT, { type: 'object' })).toBe(nextId)

    expect(await contracts.codec.decode(TOPIC, wire(nextId, snapshot))).toEqual(snapshot)
  })

  it('does not blame a record when the registry lost everything', async () => {
    await contracts.register()
    registry.wipe()

    const error = await failureOf(contracts.codec.decode(TOPIC, wire(1, snapshot)))

    expect(error.code).toBe('topic-missing')
  })

  it('does not blame a record when the contracts are registered again while it is looked at', async () => {
    const registered = await contracts.register()
    const id = registered.find(({ topic }) => topic === TOPIC)!.id
    registry.afterNext(registry.wipe())

    expect(await contracts.codec.decode(TOPIC, wire(id, snapshot))).toEqual(snapshot)
  })
})

describe('while the registry is in trouble', () => {
  it.each([500, 503, 502, 429, 401, 404] as const)(
    'with status %d from something else, records wait',
    async (status) => {
      registry.fail(status)

      expect((await failureOf(contracts.codec.decode(TOPIC, wire(1, snapshot)))).code).toBe('registry-unavailable')
      expect((await failureOf(contracts.codec.encode(TOPIC, snapshot))).code).toBe('registry-unavailable')
    },
  )

  it('with an answer that breaks off, records wait, and go on once it is back', async () => {
    const registered = await contracts.register()
    const id = registered.find(({ topic }) => topic === TOPIC)?.id ?? 0
    registry.fail('break')
    expect((await failureOf(contracts.codec.decode(TOPIC, wire(id, snapshot)))).code).toBe('registry-unavailable')

    registry.fail(null)

    expect(await contracts.codec.decode(TOPIC, wire(id, snapshot))).toEqual(snapshot)
  })

  it('without any answer, records wait no longer than the deadline for it', async () => {
    const impatient = createContracts({ registryUrl: registry.url, prefix: 'test.', timeoutMs: 20 })
    registry.fail('hang')

    const error = await failureOf(impatient.codec.decode(TOPIC, wire(1, snapshot)))

    expect(error.code).toBe('registry-unavailable')
    expect(error.message).toContain('no answer in time')
  })

  it('that is not running, records wait', async () => {
    await registry.close()

    const error = await failureOf(contracts.codec.encode(TOPIC, snapshot))

    expect(error.code).toBe('registry-unavailable')
    expect(error.message).toContain('ECONNREFUSED')
  })

  it('whose certificate is of an unknown authority, records wait, and the variable is named', async () => {
    const server = createServer(issue(createAuthority('A private CA'), { name: 'registry', hosts: ['localhost'] }))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const behindTls = createContracts({ registryUrl: `https://localhost:${port}`, prefix: 'test.' })

    const error = await failureOf(behindTls.codec.encode(TOPIC, snapshot))
    server.close()

    expect(error.code).toBe('registry-unavailable')
    expect(error.message).toMatch(/UNABLE_TO_VERIFY_LEAF_SIGNATURE .*NODE_EXTRA_CA_CERTS/)
  })
})
