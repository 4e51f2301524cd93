import { createAbsenceGuards, type GuardState } from '../absences/absence-guards.ts'
import type { SyncError } from '../errors.ts'
import type { Call } from '../http/call.ts'
import { aCall, aTenant } from './builders.ts'
import { createManualTime, settle } from './manual-time.ts'
import { createSimulatedClients } from './simulated-clients.ts'
import { createSimulatedPeers } from './simulated-peers.ts'

/** How a request of ours ended: its result, or the code of its error with `own` for a failed attempt of the record. */
export type End = { readonly value: unknown } | { readonly error: SyncError }

/** The real clients above both simulated peers, in simulated time. Omnium holds the customers c1 to c3 and the order o1. */
export function givenBelief() {
  const time = createManualTime()
  const peers = createSimulatedPeers(time)
  const trips: GuardState[] = []
  const guards = createAbsenceGuards({ now: time.now, onTrip: (state) => trips.push(state) })
  const limits = { requestsPerSecond: 10_000, maxInFlight: 100 }
  const tenant = aTenant({
    flow: { ...aTenant().flow, ...limits },
    omnium: { ...aTenant().omnium, ...limits },
  })
  const clients = createSimulatedClients({ time, send: peers.send, guards })
  for (const id of ['c1', 'c2', 'c3']) {
    peers.stored.B2C.set(id, { customerId: id })
    peers.stored.B2B.set(id, { customerId: id })
    peers.stored.customer.set(id, { customerUid: id, customerType: 'PERSON' })
  }
  peers.stored.order.set('o1', { id: 'o1' })

  const callOf = (key: string, fields: Partial<Call> = {}) => aCall({ tenant, key: `acme:${key}`, ...fields })
  /** Lets time go on until the promise has ended, at most for `patienceMs`. */
  const ended = async (promise: Promise<unknown>, patienceMs = 60_000): Promise<End> => {
    let end: End | undefined
    promise.then(
      (value) => {
        end = { value }
      },
      (error: SyncError) => {
        end = { error }
      },
    )
    for (let waited = 0; waited < patienceMs; waited += 10) {
      await settle()
      if (end !== undefined) return end
      await time.advance(10)
    }
    throw new Error('it has not ended')
  }
  const codeOf = async (promise: Promise<unknown>): Promise<unknown> => {
    const end = await ended(promise)
    return 'error' in end ? end.error.code : end.value
  }
  const take = () => peers.asked.splice(0)
  return { ...clients, time, peers, guards, trips, tenant, callOf, ended, codeOf, take }
}
