import { expect } from 'vitest'
import type { ValueOf } from '../contracts/contracts.ts'
import { SyncError } from '../errors.ts'

/** A topic to try contracts on. */
export const CONTRACT_TOPIC = 'omnium.customers.v1'

/** A value of it that keeps the contract. */
export const snapshot: ValueOf<typeof CONTRACT_TOPIC> = {
  tenant: 'acme-no',
  id: '1000',
  version: null,
  fetchedAt: '2024-01-01T00:00:00Z',
  notifiedAt: '2024-01-01T00:00:00Z',
  repair: false,
  kind: 'B2C',
  customer: { customerId: '1000', firstName: 'Ada', nested: { anything: [1, null] } },
}

/** A record's bytes in Confluent's wire format. */
export const wire = (id: number, payload: string | object): Buffer => {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload))])
}

/** The SyncError that it has to fail with. */
export const failureOf = async (work: Promise<unknown>): Promise<SyncError> => {
  const error = await work.then(
    () => expect.unreachable('it should fail'),
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(SyncError)
  return error as SyncError
}
