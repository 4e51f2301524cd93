import { createTestStandIns } from '@sync/sandbox/testing-stand-ins'
import { closedPort } from '@sync/shared/testing/closed-port'
import { tmpFiles } from '@sync/shared/testing/tmp-files'
import { afterEach, describe, expect, test } from 'vitest'
import { run } from '../run.ts'
import type { Finding } from './finding.ts'

const standIns = createTestStandIns()
const { file } = tmpFiles()
afterEach(() => standIns.closeAll())

/** Both peers, and a Kafka that cannot be reached. */
async function startPeers({ token = 'acme-token', secret = 'acme-secret', webhookSecret = 'env:HOOK' } = {}) {
  const { flow, url } = await standIns.flow()
  const { omnium, url: omniumUrl } = await standIns.omnium()
  const limits = { requestsPerSecond: 1_000, maxInFlight: 100 }
  const tenant = {
    ...{ uid: 'acme', countryCode: 'NO', webhookSecrets: [webhookSecret] },
    flow: { baseUrl: url, token, ...limits },
    omnium: { baseUrl: omniumUrl, clientId: 'acme-id', clientSecret: secret, ...limits },
  }
  const tenantsFile = file('tenants.json', JSON.stringify([tenant]))
  const port = await closedPort()
  const env = {
    ...{ KAFKA_BROKERS: `127.0.0.1:${port}`, SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` },
    ...{ TENANTS_FILE: tenantsFile, HOOK: 'a-secret-of-a-webhook', FLOW_RATE_SHARE: '1', OMNIUM_RATE_SHARE: '1' },
  }
  const doctor = async (signal?: AbortSignal) => {
    const out: string[] = []
    const terminal = { env, signal, isTTY: false, out: (text: string) => void out.push(text), err: () => {} }
    const code = await run(['doctor', '--tenant', 'acme', '--json'], terminal)
    const findings = JSON.parse(out.join('') || '[]') as Finding[]
    return { code, findings, of: (check: string) => findings.filter((finding) => finding.check.startsWith(check)) }
  }
  return { flow, omnium, doctor }
}

const ROLES = ['flow: list', 'flow: read a customer', 'omnium: search', 'omnium: read an order']

describe('syncctl doctor without Kafka', () => {
  test('checks both peers, says of each check of Kafka that it is broken, and exits 1', async () => {
    const { flow, doctor } = await startPeers()
    flow.createCustomer('acme', { customerUid: '1', customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })

    const { code, of } = await doctor()

    for (const check of ROLES) expect(of(check)).toContainEqual(expect.objectContaining({ verdict: 'ok' }))
    expect(of('clock of')).toMatchObject([{ verdict: 'ok' }, { verdict: 'ok' }])
    const kafka = [
      'last webhook',
      'sweep of',
      'absence guard',
      'circuits',
      'topics',
      'dead letters',
      'service ',
    ].flatMap(of)
    expect(kafka).toHaveLength(2 + 4 + 2 + 2 + 1 + 1 + 4)
    for (const { verdict, found } of kafka) {
      expect({ verdict, found }).toEqual({
        verdict: 'broken',
        found: expect.stringContaining('connecting to Kafka at 127'),
      })
    }
    expect(code).toBe(1)
  })

  test('names the role for lists of Flow alone when only this role is missing', async () => {
    const { flow, doctor } = await startPeers()
    flow.createCustomer('acme', { customerUid: '1', customerType: 'PERSON', firstname: 'Kari', lastname: 'E' })
    flow.setModes('acme', { missingRoles: ['list'] })

    const { of } = await doctor()

    const advice = 'Give our API user of flow the role "Customer read".'
    expect(of('flow: list customers')).toMatchObject([{ verdict: 'broken', advice }])
    expect(of('flow: read a customer by id')).toMatchObject([{ verdict: 'ok' }])
  })

  test.each([
    ['flow', { token: 'wrong' }],
    ['omnium', { secret: 'wrong' }],
  ] as const)('advises to check the credentials of %s in each line about them', async (target, wrong) => {
    const { findings } = await (await startPeers(wrong)).doctor()

    const lines = findings.filter(
      ({ check, verdict }) => check.startsWith(`${target}: `) && !check.endsWith('API users') && verdict === 'broken',
    )
    expect(lines.length).toBeGreaterThan(2)
    for (const { advice } of lines) expect(advice).toBe(`Check the credentials of ${target} in the tenants file.`)
    expect(findings.filter(({ advice }) => advice?.includes(`Ask whether ${target} is down`))).toEqual([])
  })

  test('calls each check the same whether its read fails or not', async () => {
    const [fine, refused] = [await startPeers(), await startPeers({ token: 'wrong', secret: 'wrong' })]
    const namesOf = ({ findings }: { findings: readonly Finding[] }) => findings.map(({ check }) => check)

    expect(namesOf(await refused.doctor())).toEqual(namesOf(await fine.doctor()))
  })

  test('says that relation types were not checked while no company shows them', async () => {
    const { of } = await (await startPeers()).doctor()

    expect(of('omnium: relation type')).toMatchObject([
      { verdict: 'look', found: expect.stringContaining('not checked') },
      { verdict: 'look', advice: expect.stringContaining('SubDepartment') },
    ])
  })

  test('advises a longer secret where the secret is a short literal', async () => {
    const { of } = await (await startPeers({ webhookSecret: 'abc' })).doctor()

    expect(of('webhook secret 1')).toMatchObject([{ verdict: 'look', advice: expect.stringContaining('at least 16') }])
  })

  test('ends at once when a person interrupts it', async () => {
    const { flow, omnium, doctor } = await startPeers()
    for (const { faults } of [flow, omnium]) faults.add({ kind: 'hang' })
    const interrupting = new AbortController()
    const ended = doctor(interrupting.signal)
    await expect.poll(() => omnium.faults.list()[0]?.held).toBeGreaterThan(0)

    interrupting.abort(new Error('interrupted'))

    expect(await ended).toMatchObject({ code: 130, findings: [] })
  })
})
