import { describe, expect, it } from 'vitest'
import { createFlowApi } from '../flow-api.ts'
import { stampsOf } from './check.ts'
import { expectedState } from './expected.ts'

const TENANT = 'acme'
const person = { customerUid: '1', customerType: 'PERSON', firstname: 'Kari' }

describe('the stamps of a Flow customer', () => {
  it('are told apart by who wrote, the till or the API, and leave out what changed nothing', async () => {
    let now = Date.parse('2024-01-01T00:00:00Z')
    const flow = createFlowApi({ tenants: [{ uid: TENANT, token: 't' }], now: () => now })

    flow.createCustomer(TENANT, person)
    now += 1000
    const body = { externalId: '1' }
    const url = `/v2/tenants/${TENANT}/customers/1`
    await flow.app.inject({ method: 'PUT', url, headers: { authorization: 'Bearer t' }, body })
    now += 1000
    flow.editCustomer(TENANT, '1', { firstname: 'Kari' })
    now += 1000
    flow.editCustomer(TENANT, '1', { firstname: 'Karin' })
    const stamps = stampsOf(flow.journal)

    expect([stamps.till('1', 1), stamps.till('1', 2), stamps.till('1', 3)]).toEqual([
      '2024-01-01T00:00:00.000Z',
      '2024-01-01T00:00:03.000Z',
      undefined,
    ])
    expect([stamps.api('1', 1), stamps.api('1', 2)]).toEqual(['2024-01-01T00:00:01.000Z', undefined])
    await flow.close()
  })
})

it('every customer of Flow is expected in Omnium but the refused one, and none besides', () => {
  const { flowCustomers, privateCustomers, businessCustomers } = expectedState(
    { till: () => undefined, api: () => undefined },
    { from: 0, to: 1 },
  )

  const inFlow = Object.keys(flowCustomers).filter((id) => id !== '1012')
  expect([...Object.keys(privateCustomers), ...Object.keys(businessCustomers)].toSorted()).toEqual(inFlow.toSorted())
})
