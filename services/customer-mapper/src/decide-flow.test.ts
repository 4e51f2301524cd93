import { aCompany, anOmniumCustomer, aPerson, aTenant } from '@sync/shared/testing/builders'
import { describe, expect, test } from 'vitest'
import { decideFlowUpdate } from './decide-flow.ts'

const at = (day: number) => `2026-01-0${day}T00:00:00Z`
const written = (version: string) => [{ key: 'flowLastModifiedAt', value: version }]

describe('a private customer', () => {
  const omnium = (fields: Record<string, unknown>) =>
    anOmniumCustomer({ firstName: 'A', address: { countryCode: 'NO' }, modified: at(3), ...fields })
  const flow = (fields: Record<string, unknown> = {}) => aPerson({ firstname: 'A', lastModifiedAt: at(2), ...fields })

  test.each([
    [
      'edited in Omnium later',
      omnium({ phone: '+4711111111' }),
      flow(),
      { do: 'update', fields: { mobile: '+4711111111' } },
    ],
    [
      'edited in Omnium after our last write',
      omnium({ phone: '+4711111111', properties: written(at(1)) }),
      flow({ mobile: '+4722222222' }),
      { do: 'update', fields: { mobile: '+4711111111' } },
    ],
    [
      'edited in Flow later',
      omnium({ phone: '1' }),
      flow({ mobile: '2', lastModifiedAt: at(4) }),
      { do: 'nothing', reason: 'stale' },
    ],
    [
      'edited in both at once',
      omnium({ phone: '1' }),
      flow({ mobile: '2', lastModifiedAt: at(3) }),
      { do: 'nothing', reason: 'stale' },
    ],
    [
      'of unknown age',
      omnium({ phone: '1', modified: null }),
      flow({ mobile: '2' }),
      { do: 'nothing', reason: 'stale' },
    ],
    ['the same', omnium({}), flow(), { do: 'nothing', reason: 'unchanged' }],
    [
      'with a loyalty id that Omnium got later',
      omnium({ externalIds: [{ providerName: 'Voyado', id: 'V1' }] }),
      flow(),
      { do: 'update', fields: { loyaltyId: 'V1' } },
    ],
    [
      'with a loyalty id beside the number that our last write brought',
      omnium({ externalIds: [{ providerName: 'Voyado', id: 'V1' }], customerNumber: 'F1', properties: written(at(1)) }),
      flow({ loyaltyId: 'F1' }),
      { do: 'nothing', reason: 'unchanged' },
    ],
    ['of another country', omnium({ address: { countryCode: 'SE' } }), flow(), { do: 'nothing', reason: 'unchanged' }],
    [
      'emptied in Omnium',
      omnium({ firstName: '', phone: null }),
      flow({ mobile: '2' }),
      { do: 'nothing', reason: 'unchanged' },
    ],
    [
      "other by the tenant's country alone",
      omnium({ address: { countryCode: 'SE' }, properties: written(at(1)) }),
      flow({ countryCode: 'NO' }),
      { do: 'nothing', reason: 'unchanged' },
    ],
    [
      'as we wrote it, edited in Flow since',
      omnium({ phone: '1', modified: at(3), properties: written('2026-01-03T00:00:00.000Z') }),
      flow({ mobile: '2', lastModifiedAt: at(2) }),
      { do: 'nothing', reason: 'echo' },
    ],
    [
      'newer in Omnium than what Flow answers',
      omnium({ phone: '1', modified: at(4), properties: written(at(3)) }),
      flow({ mobile: '2', lastModifiedAt: at(2) }),
      { do: 'nothing', reason: 'stale' },
    ],
  ])('that is %s', (_what, record, customer, expected) => {
    expect(decideFlowUpdate('B2C', record, customer, aTenant())).toEqual(expected)
  })
})

describe('a business customer', () => {
  const flow = aCompany({ companyName: 'A', email: 'flow@example.com', lastModifiedAt: at(2) })
  const patched = {
    name: 'A',
    email: 'flow@example.com',
    address: { name: 'A', email: 'old@example.com' },
    modified: at(3),
    properties: written(at(1)),
  }

  test('an e-mail that our own write left in its address is no edit', () => {
    expect(decideFlowUpdate('B2B', anOmniumCustomer(patched), flow, aTenant())).toEqual({
      do: 'nothing',
      reason: 'unchanged',
    })
    expect(
      decideFlowUpdate('B2B', anOmniumCustomer({ ...patched, taxId: '7' }), { ...flow, vatNumber: '6' }, aTenant()),
    ).toEqual({
      do: 'update',
      fields: { vatNumber: '7' },
    })
  })

  test('modified by the API user of one of our services, it is our own write too', () => {
    const apiUsers = { 'relation-manager': { clientId: 'r', clientSecret: 's', apiUser: 'flow-relations' } }
    const tenant = aTenant({ omnium: { ...aTenant().omnium, apiUsers } })
    const record = anOmniumCustomer({ ...patched, name: 'B', modifiedBy: 'flow-relations' })

    expect(decideFlowUpdate('B2B', record, flow, tenant)).toEqual({ do: 'nothing', reason: 'echo' })
    expect(decideFlowUpdate('B2B', record, flow, aTenant())).toMatchObject({ do: 'update' })
  })

  test('modified by our API user, it is our own write and what differs is on its way from Flow', () => {
    const tenant = aTenant({
      omnium: { baseUrl: 'https://omnium.example', clientId: 'c', clientSecret: 's', apiUser: 'flow-sync' },
    })
    const record = (modifiedBy: string) => anOmniumCustomer({ ...patched, name: 'B', modifiedBy })

    expect(decideFlowUpdate('B2B', record('flow-sync'), flow, tenant)).toEqual({ do: 'nothing', reason: 'echo' })
    expect(decideFlowUpdate('B2B', record('somebody'), flow, tenant)).toEqual({
      do: 'update',
      fields: { companyName: 'B' },
    })
    expect(decideFlowUpdate('B2B', record('flow-sync'), flow, aTenant())).toEqual({
      do: 'update',
      fields: { companyName: 'B' },
    })
  })

  test('that we never wrote follows its address', () => {
    const record = { ...patched, properties: [], email: 'own@example.com', address: { email: 'new@example.com' } }

    expect(decideFlowUpdate('B2B', anOmniumCustomer(record), flow, aTenant())).toEqual({
      do: 'update',
      fields: { email: 'new@example.com' },
    })
  })
})
