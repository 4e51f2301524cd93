import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority, issue } from '../testing/certificates.ts'
import { failureOf, snapshot, CONTRACT_TOPIC as TOPIC, wire } from '../testing/contract-records.ts'
import { type FakeRegistry, startFakeRegistry } from '../testing/fake-registry.ts'
import { type Contracts, createContracts } from './registry.ts'

let registry: FakeRegistry
let contracts: Contracts
beforeEach(async () => {
  registry = await startFakeRegistry()
  contracts = createContracts({ registryUrl: registry.url, prefix: 'test.', timeoutMs: 20_000 })
})
afterEach(() => registry.close())

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
