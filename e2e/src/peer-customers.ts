import { randomUUID } from 'node:crypto'
import { deadLetterTopicOf, type ServiceName } from '@sync/shared/kafka/topics'
import { TENANT, type World } from './world.ts'

/** An id that no other test uses. */
export const newId = (name: string): string => `${name}-${randomUUID().slice(0, 8)}`

/** A private customer in Flow. */
export const person = (customerUid: string, fields: object = {}) => ({
  ...{ customerUid, customerType: 'PERSON', firstname: 'Kari', lastname: 'Eksempel' },
  email: `${customerUid}@example.com`,
  ...fields,
})

/** The dead letters of a customer's records. */
export const deadLettersOf = async ({ topics }: World, id: string, service: ServiceName) =>
  (await topics.records(deadLetterTopicOf(service))).filter(({ key }) => key === `${TENANT}:${id}`)

interface CircuitOfReady {
  readonly tenant: string
  readonly state: string
  readonly sinceMs: number
}

/** The circuits of the tenant, as `/ready` of a service shows them. */
export async function circuitsOf({ services }: World, service: ServiceName): Promise<CircuitOfReady[]> {
  const ready = await fetch(`${services.get(service)!.adminUrl}/ready`)
  const { circuits } = (await ready.json()) as { circuits: CircuitOfReady[] }
  return circuits.filter(({ tenant }) => tenant === TENANT)
}
