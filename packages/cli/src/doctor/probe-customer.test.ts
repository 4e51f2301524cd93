import type { OmniumModesInput } from '@sync/sandbox/omnium-modes'
import { createTestStandIns } from '@sync/sandbox/testing-stand-ins'
import { parseExactJson } from '@sync/shared/exact-json'
import { createTargets, type Targets } from '@sync/shared/http/targets'
import { createLogger } from '@sync/shared/logger'
import { createMetrics } from '@sync/shared/metrics'
import { aTenant } from '@sync/shared/testing/builders'
import { afterEach, describe, expect, test } from 'vitest'
import { callFor } from '../peers.ts'
import type { Finding } from './finding.ts'
import { probeCustomer } from './probe-customer.ts'

const standIns = createTestStandIns()
const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await standIns.closeAll()
})

const TIMES = { readAfterMs: 5, searchAfterMs: 20, probeMs: 20_000, cleanUpMs: 2_000 }
const TRACES = 'the contact sync-doctor-probe and the address sync-doctor-probe'
const BLANKS = {
  ...{ customerId: 'blanks', name: 'N' },
  addresses: [{ externalId: 'x1', line1: 'L1', city: '' }],
  contacts: [{ id: 'o', firstName: 'A', lastName: '' }],
}

async function startProbe(customer: object, modes: OmniumModesInput = {}, kind: 'B2B' | 'B2C' = 'B2B') {
  const { omnium, url } = await standIns.omniumWithModes({ searchLagMs: 0, ...modes })
  omnium.seed('acme', kind, [{ ...customer }])
  const id = (customer as { customerId: string }).customerId
  const stored = () => omnium.customer('acme', kind, id)
  const account = { clientId: 'acme-id', clientSecret: 'acme-secret' }
  const tenant = aTenant({ omnium: { baseUrl: url, ...account, requestsPerSecond: 1_000, maxInFlight: 10 } })
  const targets = createTargets({
    ...{ service: 'syncctl', requestDeadlineMs: 500, shares: { flow: 1, omnium: 1 }, random: Math.random },
    ...{ metrics: createMetrics('syncctl'), logger: createLogger({ service: 'syncctl', level: 'silent' }) },
    ...{ now: () => performance.now(), wallNow: Date.now },
  })
  closing.push(() => targets.close())
  const interrupting = new AbortController()
  const told: string[] = []
  const run = () => {
    const call = callFor(tenant, 'acme:doctor', interrupting.signal)
    return probeCustomer({ tenant, targets, call, tell: (text) => void told.push(text) }, id, TIMES)
  }
  const before = stored()
  return { omnium, run, stored, before, interrupting, told, targets }
}

/** Calls `then` once, after the first PATCH took effect and before the probe goes on. */
function afterFirstPatch({ omnium }: Targets, then: () => void): void {
  const { patchCustomer } = omnium
  let patches = 0
  const patched: typeof patchCustomer = async (...asked) => {
    const end = await patchCustomer(...asked)
    if (++patches === 1) then()
    return end
  }
  Object.assign(omnium, { patchCustomer: patched })
}

const lineOf = (findings: readonly Finding[], part: string) => findings.find(({ check }) => check.includes(part))
const withoutStamps = (customer: object | undefined) => ({ ...customer, modified: '', modifiedBy: '' })

describe.each(['replace', 'merge', 'merge-unless-told'] as const)(
  'where a PATCH is to %s lists, the probe',
  (patchLists) => {
    test.each([
      ['blank values', BLANKS],
      ['a dash for a blank value', JSON.parse(JSON.stringify(BLANKS).replaceAll('""', '"-"'))],
      ['no lists', { customerId: 'bare', name: 'N' }],
      ['lists that are null', { customerId: 'nulls', name: 'N', addresses: null, contacts: null }],
      ['empty lists', { customerId: 'empty', name: 'N', addresses: [], contacts: [] }],
      ['fields that we do not know', { ...BLANKS, cardNo: 5, addresses: [{ externalId: 'x', doorCode: '' }] }],
    ])('leaves a customer with %s exactly as it was', async (_what, customer) => {
      const { run, stored, before } = await startProbe(customer, { patchLists, countDefects: false })

      const findings = await run()

      expect(withoutStamps(stored())).toEqual(withoutStamps(before))
      expect(lineOf(findings, 'put back')).toMatchObject({ verdict: 'ok' })
    })
  },
)

test('the probe sends every digit back that Omnium answered', async () => {
  const digits = '6035550000012345679'
  const cardNo = parseExactJson(digits)
  const customer = { ...BLANKS, cardNo, addresses: [{ externalId: 'x1', city: '', cardNo }], contacts: null }
  const { run, stored } = await startProbe(customer, { patchLists: 'merge', countDefects: false })

  expect(lineOf(await run(), 'put back')).toMatchObject({ verdict: 'ok', found: expect.stringContaining('Update') })
  expect(JSON.stringify(stored()).split(`"cardNo":${digits}`)).toHaveLength(3)
})

test('names the fields that differ, and says broken, when the customer is not as it was', async () => {
  const customer = { ...BLANKS, addresses: [{ externalId: 'x1', line1: ' L1 ' }] }
  const { run } = await startProbe(customer, { normalizeTexts: true })

  expect(lineOf(await run(), 'put back')).toMatchObject({
    verdict: 'broken',
    found: 'the customer blanks differs from before in: addresses',
  })
})

test('keeps a contact that another system adds while the probe runs', async () => {
  const { run, omnium, stored, targets } = await startProbe({ customerId: 'bare', name: 'N' })
  afterFirstPatch(targets, () => {
    const added = (stored() as unknown as { contacts: object[] }).contacts
    omnium.editCustomer('acme', 'B2B', 'bare', { contacts: [...added, { id: 'other', firstName: 'Eva' }] })
  })

  expect(lineOf(await run(), 'put back')).toMatchObject({ verdict: 'broken' })
  expect(stored()?.contacts).toEqual([{ id: 'other', firstName: 'Eva' }])
})

describe('a clean-up', () => {
  test('that Omnium refuses says which traces remain, and the next run removes them', async () => {
    const { run, omnium, stored, before } = await startProbe(BLANKS, { patchLists: 'merge' })
    const fault = omnium.faults.add({ kind: 'refused-in-body', requests: 'writes', skip: 2 })

    expect(lineOf(await run(), 'put back')).toMatchObject({
      verdict: 'broken',
      found: expect.stringContaining(`The customer blanks still holds ${TRACES}`),
      advice: 'Run the command again: it removes them.',
    })

    omnium.faults.remove(fault)
    expect(lineOf(await run(), 'put back')).toMatchObject({ verdict: 'ok' })
    expect(withoutStamps(stored())).toEqual(withoutStamps(before))
  })

  test('after a lost reply reads the customer again and says that it is as it was', async () => {
    const { run, omnium, stored, before } = await startProbe(BLANKS)
    omnium.faults.add({ kind: 'answer-cut', requests: 'writes', skip: 1, count: 1 })

    const findings = await run()

    expect(lineOf(findings, 'put back')).toMatchObject({ verdict: 'ok', found: expect.stringContaining('as it was') })
    expect(lineOf(findings, 'PATCH of a list')).toMatchObject({ verdict: 'broken' })
    expect(withoutStamps(stored())).toEqual(withoutStamps(before))
  })

  test('is made after an interruption, and the person is told so', async () => {
    const { run, stored, before, interrupting, told, targets } = await startProbe({ customerId: 'bare', name: 'N' })
    afterFirstPatch(targets, () => {
      expect(JSON.stringify(stored())).toContain('sync-doctor-probe')
      interrupting.abort(new Error('interrupted'))
    })

    expect(lineOf(await run(), 'put back')).toMatchObject({ verdict: 'ok' })
    expect(withoutStamps(stored())).toEqual(withoutStamps(before))
    expect(told.join()).toContain('is being put back')
    expect(told.join()).toContain(TRACES)
  })

  test('that gets no answer ends in its time and says which traces may remain', async () => {
    const { run, omnium } = await startProbe(BLANKS)
    omnium.faults.add({ kind: 'hang', requests: 'writes', skip: 1 })
    omnium.faults.add({ kind: 'hang', requests: 'by-id-read', skip: 3 })

    expect(lineOf(await run(), 'put back')).toMatchObject({
      verdict: 'broken',
      found: expect.stringContaining(`The customer blanks may still hold ${TRACES}`),
    })
  })
})

test('a private customer is read and not written', async () => {
  const { run, omnium } = await startProbe({ customerId: 'p', firstName: 'A', lastName: 'B' }, {}, 'B2C')

  const findings = await run()

  expect(omnium.journal.entries({ kind: 'write' })).toEqual([])
  expect(findings).toMatchObject([
    { check: 'omnium: a Search result, compared with a by-id read', verdict: 'ok', found: 'as full' },
    { check: 'omnium: a PATCH of a list', verdict: 'look', advice: expect.stringContaining('company') },
    { check: 'probe: the customer is put back', verdict: 'ok', found: 'nothing was written' },
  ])
})
