import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONTRACT_TOPICS } from '../kafka/topics.ts'
import { failureOf, snapshot, CONTRACT_TOPIC as TOPIC, wire } from '../testing/contract-records.ts'
import { type FakeRegistry, startFakeRegistry } from '../testing/fake-registry.ts'
import { jsonSchemaOf } from './json-schema.ts'
import { type Contracts, createContracts } from './registry.ts'

const SUBJECT = `test.${TOPIC}-value`

let registry: FakeRegistry
let contracts: Contracts
beforeEach(async () => {
  registry = await startFakeRegistry()
  contracts = createContracts({ registryUrl: registry.url, prefix: 'test.', timeoutMs: 20_000 })
})
afterEach(() => registry.close())

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
